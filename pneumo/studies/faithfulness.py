"""Faithfulness of heatmaps: deletion and insertion curves over map cells."""

import numpy as np

from pneumo.inference.predictor import Predictor

BATCH = 32


def cells_of(size: int, cells: int, centres: tuple[float, float]) -> np.ndarray:
    """int64 (size, size): row-major index of the nearest cell of a cells x cells map for each input pixel."""
    positions = (np.arange(size) + 0.5) / size
    nearest = np.abs(positions[:, np.newaxis] - np.linspace(*centres, cells)).argmin(axis=1)
    return np.asarray(nearest[:, np.newaxis] * cells + nearest)


def exposed_like(inputs: np.ndarray, others: np.ndarray) -> np.ndarray:
    """`inputs` float32 (n, size, size, 1) rescaled to the mean and deviation of `others`, image by image; not clipped."""
    axes = (1, 2, 3)
    flat = (inputs - inputs.mean(axes, keepdims=True)) / np.maximum(inputs.std(axes, keepdims=True), 1e-6)
    return np.asarray(flat * others.std(axes, keepdims=True) + others.mean(axes, keepdims=True))


def by_heat(maps: np.ndarray) -> np.ndarray:
    """int64 (n, cells): the cells of maps (n, h, w), hottest first; ties in row-major order."""
    return np.argsort(-maps.reshape(len(maps), maps.shape[1] * maps.shape[2]), axis=1, kind="stable")


def at_random(n: int, cells: int, seed: int) -> np.ndarray:
    """int64 (n, cells): the cells of n maps in random order."""
    return np.random.default_rng(seed).permuted(np.tile(np.arange(cells), (n, 1)), axis=1)


def curve(
    predictor: Predictor, before: np.ndarray, after: np.ndarray, orders: np.ndarray, fractions: tuple[float, ...]
) -> np.ndarray:
    """float64 (len(fractions),): mean probability with the first fraction of each image's cells taken from `after`.

    `before`, `after` float32 (n, size, size, 1); `orders` int (n, cells). From the image to one without the finding it is the
    deletion curve of Petsiuk et al. (RISE, BMVC 2018), the reverse their insertion curve. NaN without images.
    """
    n, cells = orders.shape
    cell = cells_of(before.shape[1], round(cells**0.5), predictor.card.heatmap_centres)
    rank = np.argsort(orders, axis=1)
    total = np.zeros(len(fractions))
    for start in range(0, n, BATCH):
        part = slice(start, start + BATCH)
        turn = rank[part][:, cell][..., np.newaxis]
        for number, fraction in enumerate(fractions):
            mixed = np.where(turn < round(fraction * cells), after[part], before[part])
            total[number] += predictor.card.probability(predictor.run(mixed).logits).sum()
    return total / n if n else np.full(len(fractions), np.nan)
