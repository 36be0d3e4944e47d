"""Silence the DICOM libraries: their messages quote values, and a value may be a patient's name.

Every module of this package that touches them imports this one first, as `pneumo.imaging.decoding.dicom` does for reading.
"""

import logging
import warnings

import pydicom

import pneumo.imaging.decoding.dicom  # noqa: F401  (silences pydicom's reading)

# Results carry patient elements of the source as they are, valid or not; the library's own checks would quote them.
pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
for _name in ("highdicom", "pynetdicom"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)  # their children inherit this
    warnings.filterwarnings("ignore", module=_name)
