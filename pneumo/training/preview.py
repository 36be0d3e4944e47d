"""Preview of augmentation: one image large, beside it two rows of four draws.

The app never loads Keras, so the page runs `python -m pneumo.training.preview` and reads the PNG from its standard
output; nothing is written to disk.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np

from pneumo.errors import ImageError, LungsNotFound, PneumoError, RunError
from pneumo.imaging.decoding.decode import decode_image, image_bytes
from pneumo.imaging.lung_box import Box
from pneumo.imaging.overlay import png
from pneumo.imaging.preprocess import InputSpec, canonical, model_input
from pneumo.inference.lung_fields import LungFinder
from pneumo.synthetic.phantom import make_phantom, phantom_png
from pneumo.training.jobs.process import environment, python

ROWS, COLUMNS = 2, 4
TILE = 192  # pixels
_GAP = 6
_LIMIT = 180  # seconds; Keras alone may need 20 to load on a busy machine


def contact_sheet(image: np.ndarray, strength: float, seed: int, crop: float = 1.0, box: Box | None = None) -> np.ndarray:
    """Canonical uint8 (224, 224) -> uint8 (390, 1182): the network's view twice as large, then eight draws at `strength` (0 to 2).

    `box`: of the lungs, for a lung-centred network; None for the whole frame. `crop`: see `augmentation`.
    """
    from pneumo.training.augment import augmentation  # loads Keras

    def shown(side: int) -> np.ndarray:
        return model_input(image, InputSpec(side, margin=0, lung_centred=True) if box else InputSpec(side), box)

    batch = np.repeat(shown(TILE)[np.newaxis], ROWS * COLUMNS, axis=0)
    for layer in augmentation(strength, seed, crop):
        batch = layer(batch, training=True)
    views = _grey(np.asarray(batch))
    step = TILE + _GAP
    sheet = np.zeros((ROWS * step - _GAP, (ROWS + COLUMNS) * step), np.uint8)
    large = _grey(shown(ROWS * step - _GAP))
    sheet[:, : large.shape[1]] = large
    for number, view in enumerate(views):
        top, left = number // COLUMNS * step, (ROWS + number % COLUMNS) * step
        sheet[top : top + TILE, left : left + TILE] = view
    return sheet[:, :-_GAP]


def _grey(pixels: np.ndarray) -> np.ndarray:
    """float (..., h, w, 1) in [0, 1] -> uint8 (..., h, w)."""
    return np.asarray(np.rint(np.clip(pixels[..., 0], 0, 1) * 255).astype(np.uint8))


def sample(path: Path | None, seed: int) -> np.ndarray:
    """Canonical uint8 (224, 224) of a file, by default of a phantom. Raises ImageError."""
    return canonical(decode_image(image_bytes(path) if path else phantom_png(make_phantom("bacterial", seed))))


def lungs_of(image: np.ndarray) -> Box:
    """The box of the lungs in a canonical image. Raises ImageError without plausible lungs."""
    try:
        return LungFinder.load().find(image).box
    except LungsNotFound as error:
        raise ImageError(f"The sample has no lungs to show, and training leaves such images out. {error.why}") from error


def render_preview(strength: float, seed: int, path: Path | None = None, crop: float = 1.0, lung_centred: bool = True) -> bytes:
    """The contact sheet as PNG bytes, made in a separate process. Raises RunError."""
    command = python("-m", __name__, f"--strength={strength}", f"--seed={seed}", f"--crop={crop}")
    if lung_centred:
        command.append("--lung-centred")
    if path is not None:
        command.append(f"--file={path.resolve()}")
    try:
        done = subprocess.run(command, env=environment(), capture_output=True, timeout=_LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunError("The preview could not be made: the machine is too busy. Try again later.") from error
    if done.returncode or not done.stdout.startswith(b"\x89PNG"):
        last = done.stderr.decode("utf-8", errors="replace").strip().splitlines()[-1:] or ["it stopped unexpectedly"]
        raise RunError(f"The preview could not be made: {last[0]}")
    return done.stdout


def main(arguments: list[str] | None = None) -> int:
    """Write the contact sheet as PNG to standard output. Returns 1 when the image cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m pneumo.training.preview", description=__doc__)
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--crop", type=float, default=1.0)
    parser.add_argument("--lung-centred", action="store_true", help="show the box of the lungs, not the frame")
    parser.add_argument("--file", type=Path, help="the image; default: a generated phantom")
    options = parser.parse_args(arguments)
    try:
        image = sample(options.file, options.seed)
        box = lungs_of(image) if options.lung_centred else None
        sheet = contact_sheet(image, options.strength, options.seed, options.crop, box)
    except (PneumoError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    sys.stdout.buffer.write(png(sheet))
    return 0


if __name__ == "__main__":
    sys.exit(main())
