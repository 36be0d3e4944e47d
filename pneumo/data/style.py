"""Acquisition style: which set-up took the picture, guessed from border and exposure alone.

In this set the style nearly gives the class away (docs/architecture.md, "The trap"): one set-up photographed mostly
sick children, another mostly healthy ones. Balancing the classes within each style takes that hint from the network.
"""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler

from pneumo.arrays import Images

_CELL = 16  # border cells are 16 canonical pixels; the outer two rings are seen
_RINGS = 2
_BLOCK = 512  # images looked at together: 25 MB


def style_features(images: Images) -> np.ndarray:
    """uint8 (n, 224, 224) -> float32 (n, features): mean and brightest grey of each border cell, and grey percentiles.

    Works block by block, so that `images` may be a CachedImages larger than memory.
    """
    return np.concatenate([_features(images[at : at + _BLOCK]) for at in range(0, max(len(images), 1), _BLOCK)])


def _features(images: np.ndarray) -> np.ndarray:
    n, side, _ = images.shape
    cells = side // _CELL
    blocks = images.reshape(n, cells, _CELL, cells, _CELL)
    inner = np.zeros((cells, cells), bool)
    inner[_RINGS:-_RINGS, _RINGS:-_RINGS] = True
    means = blocks.mean(axis=(2, 4))[:, ~inner]
    peaks = blocks.max(axis=(2, 4))[:, ~inner]
    exposure = np.percentile(images.reshape(n, -1)[:, ::7], (1, 5, 25, 50, 75, 95, 99), axis=1).T
    return np.concatenate([means, 0.5 * peaks, exposure], axis=1).astype(np.float32)


def styles(images: Images, groups: int = 8, seed: int = 0) -> np.ndarray:
    """Style number in [0, groups) of each image, by k-means on standardised `style_features`."""
    features = StandardScaler().fit_transform(style_features(images))
    found: np.ndarray = KMeans(min(groups, len(images)), n_init=4, random_state=seed).fit_predict(features)
    return found


def balanced_weights(labels: np.ndarray, style: np.ndarray, cap: float = 10.0) -> np.ndarray:
    """Sampling weights (sum 1) that make both classes equally frequent within each style, each style keeping its share.

    An image is never drawn more than `cap` (above 1) times as often as under plain sampling, so that a style with three
    healthy children does not teach those three by heart; there the balance gives way.
    """
    weights = np.ones(len(labels))
    for group in np.unique(style):
        inside = style == group
        present = np.unique(labels[inside])
        for label in present:
            cell = inside & (labels == label)
            weights[cell] = inside.sum() / len(present) / cell.sum()
    # Cutting lowers the mean, to which the cap is relative: repeat until it stands.
    while weights.max() > cap * weights.mean() * (1 + 1e-9):
        weights = np.minimum(weights, cap * weights.mean())
    chances: np.ndarray = weights / weights.sum()
    return chances
