"""Files for the worklist, and the row of one."""

import io
import zipfile

import numpy as np
from makers import png_bytes

from pneumo.imaging.decoding.archive import Member
from pneumo.inference.batch import read_member
from pneumo.inference.predictor import Predictor
from pneumo.ui.worklist.rows import make_row


def shaded(grey: int, height: int = 200, width: int = 240) -> bytes:
    """Grey levels around a mean, enough contrast for any gate: the tiny model's logit is 10 (grey / 255 - 0.5)."""
    return png_bytes(np.tile(np.rint(np.linspace(grey - 60, grey + 60, width)), (height, 1)).astype(np.uint8))


BRIGHT, DARK, LETTER = shaded(190), shaded(65), b"Dear colleague"  # PNEUMONIA and NORMAL, 0.92 and 0.08


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, data in files.items():
            bundle.writestr(name, data)
    return buffer.getvalue()


def row_of(name: str, data: bytes, predictor: Predictor):
    return make_row(name, read_member(Member(name, lambda: data), predictor), predictor)
