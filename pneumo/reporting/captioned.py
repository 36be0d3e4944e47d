"""Captions of an exported picture: the research-use notice above it; verdict, probability and warnings below it."""

import textwrap
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pneumo.inference.finding import Reading
from pneumo.reporting.finding_words import probability_sentence

NO_HEAT = "No heatmap: this model's does no better than chance."
RESEARCH_USE = "RESEARCH USE - NOT A MEDICAL DEVICE"


def caption_lines(reading: Reading, model: str, warnings: Sequence[str], notes: Sequence[str] = ()) -> list[str]:
    """The lines below the picture."""
    answer = f"{reading.verdict}, {probability_sentence(reading)}, {model}"
    return [answer, *(f"WARNING: {warning}" for warning in warnings), *notes]


def with_captions(
    picture: np.ndarray, reading: Reading, model: str, warnings: Sequence[str], notes: Sequence[str] = ()
) -> np.ndarray:
    """uint8 (h, w, 3) -> uint8 (h + bands, w, 3); the bands cover no part of the picture."""
    width = picture.shape[1]
    below = [_band(line, width) for text in caption_lines(reading, model, warnings, notes) for line in _wrapped(text, width)]
    return np.vstack([*(_band(line, width) for line in _wrapped(RESEARCH_USE, width)), picture, *below])


def _size(width: int) -> tuple[int, float]:
    """(height of a band, font size), in pixels."""
    height = max(16, width // 24)
    return height, 0.7 * height


def _wrapped(text: str, width: int) -> list[str]:
    """Lines that fit the width, broken between words."""
    length = ImageFont.load_default(_size(width)[1]).getlength(text)
    return textwrap.wrap(text, max(12, int(0.9 * len(text) * width / max(length, 1.0))))


def _band(text: str, width: int) -> np.ndarray:
    """uint8 (h, width, 3): white on black, with a smaller font if a word is wider than the picture."""
    height, size = _size(width)
    fit = min(1.0, 0.96 * width / ImageFont.load_default(size).getlength(text))
    font = ImageFont.load_default(max(6.0, size * fit))
    band = Image.new("RGB", (width, height))
    ImageDraw.Draw(band).text((width / 2, height / 2), text, fill=(255, 255, 255), font=font, anchor="mm")
    return np.asarray(band)
