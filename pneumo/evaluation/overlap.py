"""How well two masks agree."""

import numpy as np


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """2 |A and B| / (|A| + |B|) of two bool masks of one shape, 0 to 1 (Dice, Ecology 1945); NaN where both are empty."""
    sizes = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / sizes if sizes else float("nan")
