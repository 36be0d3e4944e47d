"""Captions of an exported picture: research-use notice above it; heatmap legend, verdict, probability and warnings below it."""

import textwrap
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pneumo.imaging.overlay import legend_picture
from pneumo.inference.finding import Reading
from pneumo.reporting.finding_words import LEGEND, probability_sentence

NO_HEAT = "No heatmap: this model's does no better than chance."
RESEARCH_USE = "RESEARCH USE - NOT A MEDICAL DEVICE"


def caption_lines(reading: Reading, model: str, warnings: Sequence[str], notes: Sequence[str] = ()) -> list[str]:
    """The lines below the picture."""
    answer = f"{reading.verdict}, {probability_sentence(reading)}, {model}"
    return [answer, *(f"WARNING: {warning}" for warning in warnings), *notes]


def with_captions(
    picture: np.ndarray, reading: Reading, model: str, warnings: Sequence[str], notes: Sequence[str] = (), colour_map: str = ""
) -> np.ndarray:
    """uint8 (h, w, 3) -> uint8 (h + bands, w, 3), no part covered. `colour_map`: of its heatmap; empty: no heatmap, no legend."""
    width = picture.shape[1]
    legend = [_legend(colour_map, width)] if colour_map else []
    below = [_band(line, width) for text in caption_lines(reading, model, warnings, notes) for line in _wrapped(text, width)]
    return np.vstack([*(_band(line, width) for line in _wrapped(RESEARCH_USE, width)), picture, *legend, *below])


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


def _legend(colour_map: str, width: int) -> np.ndarray:
    """uint8 (h, width, 3): the colours from no to strong evidence, and words at both ends, at most 0.6 of the width."""
    height, size = _size(width)
    none, strong, _ = LEGEND
    gap = height // 2
    font = ImageFont.load_default(size)
    wide = font.getlength(none) + font.getlength(strong)
    font = ImageFont.load_default(max(6.0, size * min(1.0, 0.6 * width / wide)))
    left, right = round(font.getlength(none)) + 2 * gap, width - round(font.getlength(strong)) - 2 * gap
    band = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(band)
    draw.text((gap, height / 2), none, fill=(255, 255, 255), font=font, anchor="lm")
    draw.text((width - gap, height / 2), strong, fill=(255, 255, 255), font=font, anchor="rm")
    colours = Image.fromarray(legend_picture(colour_map, max(right - left, 1), max(height // 2, 1)))
    band.paste(colours, (left, height // 4))
    return np.asarray(band)
