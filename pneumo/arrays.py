"""Type of a collection of canonical images, used on several floors."""

from typing import Any, Protocol

import numpy as np


class Images(Protocol):
    """uint8 (n, 224, 224), indexed along the first axis: an array, or `CachedImages`, which reads from disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> np.ndarray: ...
