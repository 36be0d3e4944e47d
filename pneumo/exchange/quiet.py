"""Silence the DICOM libraries: their messages quote patient data.

Imported by `source`, `dimse` and `listener`, by which this package gets to them; `imaging.decoding.dicom` does so for reading.
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
