"""Image files -> one uint8 array of canonical images, through the decoder that serving uses."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from pneumo.errors import DataError, PneumoError
from pneumo.imaging.decode import decode
from pneumo.imaging.preprocess import CANONICAL_SIDE, canonical


def load_canonical(root: Path, paths: Sequence[str]) -> np.ndarray:
    """Decode `paths` below `root` to uint8 (n, 224, 224). Raises DataError naming every file that cannot be read."""
    images = np.empty((len(paths), CANONICAL_SIDE, CANONICAL_SIDE), np.uint8)

    def load(index: int) -> str | None:
        try:
            images[index] = canonical(decode((Path(root) / paths[index]).read_bytes()))
        except (PneumoError, OSError) as error:
            return f"{paths[index]}: {error}"

    with ThreadPoolExecutor(4) as pool:
        failed = [message for message in pool.map(load, range(len(paths))) if message]
    if failed:
        raise DataError("These images cannot be read; remove or replace them:\n" + "\n".join(failed))
    return images
