"""What augmentation does to one image, as a picture: the image large, beside it two rows of four draws.

The layers are Keras, which the app never loads: the page runs `python -m pneumo.training.preview` as a process of its own
and takes the PNG from its standard output, so nothing is written to a disk.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np

from pneumo.data.phantom import make_phantom, phantom_png
from pneumo.errors import PneumoError, RunError
from pneumo.imaging.decode import decode
from pneumo.imaging.image_file import image_bytes
from pneumo.imaging.overlay import png
from pneumo.imaging.preprocess import InputSpec, canonical, model_input
from pneumo.training.jobs_process import environment, python

ROWS, COLUMNS = 2, 4
TILE = 192  # pixels
_GAP = 6
_LIMIT = 180  # seconds; Keras alone may need 20 to load on a busy machine


def contact_sheet(image: np.ndarray, strength: float, seed: int) -> np.ndarray:
    """Canonical uint8 (224, 224) -> uint8 (390, 1182): the image twice as large, then eight draws at `strength` (0 to 2)."""
    from pneumo.training.augment import augmentation  # loads Keras

    plain = model_input(image, InputSpec(TILE))
    batch = np.repeat(plain[np.newaxis], ROWS * COLUMNS, axis=0)
    for layer in augmentation(strength, seed):
        batch = layer(batch, training=True)
    views = _grey(np.asarray(batch))
    step = TILE + _GAP
    sheet = np.zeros((ROWS * step - _GAP, (ROWS + COLUMNS) * step), np.uint8)
    large = _grey(model_input(image, InputSpec(ROWS * step - _GAP)))
    sheet[:, : large.shape[1]] = large
    for number, view in enumerate(views):
        top, left = number // COLUMNS * step, (ROWS + number % COLUMNS) * step
        sheet[top : top + TILE, left : left + TILE] = view
    return sheet[:, :-_GAP]


def _grey(pixels: np.ndarray) -> np.ndarray:
    """float (..., h, w, 1) in [0, 1] -> uint8 (..., h, w)."""
    grey: np.ndarray = np.rint(np.clip(pixels[..., 0], 0, 1) * 255).astype(np.uint8)
    return grey


def sample(path: Path | None, seed: int) -> np.ndarray:
    """Canonical uint8 (224, 224) of a file; of a phantom without one. Raises ImageError."""
    return canonical(decode(image_bytes(path) if path else phantom_png(make_phantom("bacterial", seed))))


def preview(strength: float, seed: int, path: Path | None = None) -> bytes:
    """The contact sheet as PNG bytes, made by another process. Raises RunError when that fails."""
    command = python("-m", __name__, f"--strength={strength}", f"--seed={seed}")
    if path is not None:
        command.append(f"--file={path.resolve()}")
    try:
        done = subprocess.run(command, env=environment(), capture_output=True, timeout=_LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunError("The preview could not be made: the machine is too busy. Try again later.") from error
    if done.returncode or not done.stdout.startswith(b"\x89PNG"):
        last = done.stderr.decode("utf-8", errors="replace").strip().splitlines()[-1:] or ["it ended without a word"]
        raise RunError(f"The preview could not be made: {last[0]}")
    return done.stdout


def main(arguments: list[str] | None = None) -> int:
    """Write the contact sheet as PNG to standard output. Returns 1 when the image cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m pneumo.training.preview", description=__doc__)
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--file", type=Path, help="the image; default: a generated phantom")
    options = parser.parse_args(arguments)
    try:
        sheet = contact_sheet(sample(options.file, options.seed), options.strength, options.seed)
    except (PneumoError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    sys.stdout.buffer.write(png(sheet))
    return 0


if __name__ == "__main__":
    sys.exit(main())
