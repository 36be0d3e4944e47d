"""Sites of flat grey pictures: tiny_model's logit is 20 (grey / 255 - 0.5), so every answer is known in advance."""

import csv
from pathlib import Path

import numpy as np

from pneumo.imaging.overlay import png
from pneumo.labels import LABELS

SICK, HEALTHY = 200, 60  # greys: logits 5.7 and -5.3, halved by the calibration


def grey_picture(level: int, number: int = 0) -> bytes:
    """`number` makes the file's bytes different; it changes a corner in the margin that the model never sees."""
    pixels = np.full((240, 320), level, np.uint8)
    pixels[0, 0] = number % 251
    pixels[0, 1] = number // 251
    return png(pixels)


def write_site(folder: Path, sick: list[int], healthy: list[int], images_a_child: int = 1, **columns: list[str]) -> Path:
    """Write cases.csv and its pictures, each of one grey level; the values of `columns` repeat. Returns the CSV's path."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, (level, label) in enumerate([(grey, 1) for grey in sick] + [(grey, 0) for grey in healthy]):
        name = f"picture-{number:03}.png"
        (folder / name).write_bytes(grey_picture(level, number))
        rows.append(
            [
                name,
                LABELS[label],
                f"child-{label}-{number // images_a_child}",
                *(values[number % len(values)] for values in columns.values()),
            ]
        )
    path = folder / "cases.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file", "label", "patient", *columns], *rows])
    return path
