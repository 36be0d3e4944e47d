"""The out-of-distribution reference of a model: compact statistics of its train images.

Two views of an image are used: the network's features, and the image at 28 x 28 with mean 0 and deviation 1. For each, principal
components of the train part are stored; distances are Mahalanobis within the components and the residual outside them. Their
weights are learned at promotion, from train images against other pictures (see training/reference.py). A small classifier on the
28 x 28 view recognises rotated and inverted images.
"""

import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile

import cv2
import numpy as np

from pneumo.errors import ModelError
from pneumo.imaging.preprocess import CANONICAL_SIDE, InputSpec
from pneumo.registry.model_folder import REFERENCE

POSES = ("upright", "turned by 90 degrees", "upside down", "turned by 270 degrees", "inverted")
SMALL = 28  # side of the second view


@dataclass(frozen=True)
class Reference:
    """Arrays of a model's reference.npz; n train images, c channels, k and j components kept. Floats are float16 on disk."""

    files: np.ndarray  # str (n,), paths within the data set
    labels: np.ndarray  # uint8 (n,), 1 is PNEUMONIA
    subtypes: np.ndarray  # uint8 (n,), index into SUBTYPES
    scores: np.ndarray  # (n, at most k), leading standardised components of each image's features
    mean: np.ndarray  # (c,), of the features
    axes: np.ndarray  # (k, c), unit vectors; score = projection / width
    spare: np.ndarray  # (1,), root mean square residual of the train features
    small_mean: np.ndarray  # (784,), of the second view, like the next two
    small_axes: np.ndarray  # (j, 784)
    small_spare: np.ndarray  # (1,)
    widths: np.ndarray  # (k + j,), deviation of the train part along each axis
    weights: np.ndarray  # (2 k + 2 j + 4 + 1,), of `evidence` and intercept: log odds of out-of-distribution
    cuts: np.ndarray  # (2,), of these log odds: warning, refusal
    poses: np.ndarray  # (5, 784 + 1), log odds of POSES from the second view, and intercept

    def strangeness(self, features: np.ndarray, image: np.ndarray) -> float:
        """Log odds that a canonical image, uint8 (224, 224), with features (c,) is out of distribution."""
        evidence = self.evidence(features[np.newaxis], small_view(image)[np.newaxis])[0]
        return float(evidence @ self.weights[:-1] + self.weights[-1])

    def pose(self, image: np.ndarray) -> str:
        """The most likely of POSES."""
        return POSES[int((self.poses[:, :-1] @ small_view(image) + self.poses[:, -1]).argmax())]

    def components_of(self, features: np.ndarray) -> np.ndarray:
        """Features (c,) as a row of `scores`."""
        count = self.scores.shape[1]
        return np.asarray(self.axes[:count] @ (features - self.mean) / self.widths[:count])

    def evidence(self, features: np.ndarray, small: np.ndarray) -> np.ndarray:
        """float32 (m, 2 k + 2 j + 4) of m images: scores, their absolute values, and log distances."""
        k = len(self.axes)
        sides = [
            _scores_and_distances(features - self.mean, self.axes, self.widths[:k], self.spare),
            _scores_and_distances(small - self.small_mean, self.small_axes, self.widths[k:], self.small_spare),
        ]
        scores = np.hstack([side[0] for side in sides])
        return np.hstack([scores, np.abs(scores), *(side[1] for side in sides)])

    def save(self, path: Path) -> None:
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        arrays |= {name: arrays[name].astype(np.float16) for name in _HALF}
        arrays["files"] = np.frombuffer("\n".join(self.files).encode(), np.uint8)
        np.savez_compressed(path, **arrays)

    @classmethod
    def load(cls, source: Path | BinaryIO) -> "Reference":
        """Raises ModelError for a file of another version or with pickled objects, which are never run."""
        try:
            with np.load(source, allow_pickle=False) as stored:
                arrays = {field.name: stored[field.name] for field in fields(cls)}
        except _NO_REFERENCE as error:
            raise ModelError(f"{REFERENCE} does not fit this version of Pneumo. Promote the run again.") from error
        arrays["files"] = np.array(arrays["files"].tobytes().decode().split("\n"))
        return cls(**{name: array.astype(np.float32) if array.dtype.kind == "f" else array for name, array in arrays.items()})


# What np.load raises on files that are no npz; a single array is no context manager (TypeError, AttributeError).
_NO_REFERENCE = (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, RuntimeError, BadZipFile, zlib.error)
_HALF = ("scores", "axes", "small_axes")  # the large ones


def small_view(image: np.ndarray) -> np.ndarray:
    """Canonical uint8 (224, 224) -> float32 (784,): margin cropped, 28 x 28, mean 0 and deviation 1."""
    margin = InputSpec().margin
    inner = image[margin : CANONICAL_SIDE - margin, margin : CANONICAL_SIDE - margin]
    small = cv2.resize(np.ascontiguousarray(inner), (SMALL, SMALL), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    view: np.ndarray = (small - small.mean()) / max(float(small.std()), 4.0)  # floor: do not amplify noise of empty images
    return view


def components(rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(mean (c,), axes (count, c), widths (count,), spare (1,)) of rows (n, c), float32; axes rounded as if stored (Reference)."""
    mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = rows - mean
    values, vectors = np.linalg.eigh(centred.T.astype(np.float64) @ centred / len(rows))
    # A constant channel has width 0; the floor keeps scores finite.
    widths = np.sqrt(np.maximum(values[::-1][:count], max(1e-8 * values[-1], 1e-12))).astype(np.float32)
    axes = vectors[:, ::-1][:, :count].T.astype(np.float16).astype(np.float32)
    residuals = _residuals(centred, axes)
    return mean, axes, widths, np.array([max(np.sqrt((residuals**2).mean()), 1e-6)], np.float32)


def _residuals(centred: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """(m,): residual norm of each row outside the components."""
    inside = ((centred @ axes.T) ** 2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum((centred**2).sum(axis=1) - inside, 0.0)))


def _scores_and_distances(
    centred: np.ndarray, axes: np.ndarray, widths: np.ndarray, spare: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    scores = centred @ axes.T / widths
    within = np.sqrt((scores**2).mean(axis=1))
    return scores, np.log1p(np.column_stack([within, _residuals(centred, axes) / spare]))
