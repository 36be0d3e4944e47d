"""A name for what several floors ask of a pile of images."""

from typing import Any, Protocol

import numpy as np


class Images(Protocol):
    """uint8 (n, 224, 224), indexed along the first axis: an array, or a `CachedImages`, which reads from the disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> np.ndarray: ...
