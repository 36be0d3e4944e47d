"""Silence the DICOM libraries: their messages quote patient data.

`source`, `dimse` and `listener`, through which this package gets to them, import this one; `pneumo.imaging.decoding.dicom` does the
same for reading.
"""

import logging
import warnings

import pydicom

import pneumo.imaging.decoding.dicom  # noqa: F401  (silences pydicom's reading)

# Results repeat the source's patient elements unchanged, valid or not; pydicom's validation would quote them.
pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
for _name in ("highdicom", "pynetdicom"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)  # inherited by child loggers
    warnings.filterwarnings("ignore", module=_name)
