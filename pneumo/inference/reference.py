"""The train images as a model sees them, stored small: what a new image is compared with.

Two views of an image go in: the network's features (from the pass that gives the answer), and the image itself at 28 x 28,
brought to mean 0 and deviation 1. Of both, principal components of the train part are kept; an image far from the train
part within them (Mahalanobis), or outside them (what they cannot rebuild), is no such image. What each of these distances
counts for is learned at promotion, from train images against drawn and stored pictures of other things
(see training/reference.py). A second small classifier tells from the 28 x 28 whether the image lies turned or inverted.
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
from pneumo.registry.models import REFERENCE

FILE = REFERENCE
POSES = ("upright", "turned by 90 degrees", "upside down", "turned by 270 degrees", "inverted")
SMALL = 28  # side of the second view


@dataclass(frozen=True)
class Reference:
    """Arrays of a model's reference.npz; n train images, c channels, k and j components kept. Floats are float16 on disk."""

    files: np.ndarray  # str (n,), paths within the data set
    labels: np.ndarray  # uint8 (n,), 1 is PNEUMONIA
    subtypes: np.ndarray  # uint8 (n,), index into SUBTYPES
    scores: np.ndarray  # (n, at most k), the widest components of each image's features, of deviation 1
    mean: np.ndarray  # (c,), of the features
    axes: np.ndarray  # (k, c), of length 1; a score is what lies along one, divided by its width
    spare: np.ndarray  # (1,), what the components leave of a train image's features, root mean square
    small_mean: np.ndarray  # (784,), of the second view, as are the next two
    small_axes: np.ndarray  # (j, 784)
    small_spare: np.ndarray  # (1,)
    widths: np.ndarray  # (k + j,), deviation of the train part along each axis
    weights: np.ndarray  # (2 k + 2 j + 4 + 1,), of `evidence`, the last a constant: log odds that the image is something else
    cuts: np.ndarray  # (2,), of these log odds: a warning above the first, a refusal above the second
    poses: np.ndarray  # (5, 784 + 1), log odds of POSES from the second view, the last a constant

    def strangeness(self, features: np.ndarray, image: np.ndarray) -> float:
        """Log odds that a canonical image, uint8 (224, 224), with the features (c,) is no chest X-ray like those of train."""
        found = self.evidence(features[np.newaxis], small_view(image)[np.newaxis])[0]
        return float(found @ self.weights[:-1] + self.weights[-1])

    def pose(self, image: np.ndarray) -> str:
        """The likeliest of POSES."""
        return POSES[int((self.poses[:, :-1] @ small_view(image) + self.poses[:, -1]).argmax())]

    def components_of(self, features: np.ndarray) -> np.ndarray:
        """Features (c,) as a row of `scores`."""
        count = self.scores.shape[1]
        row: np.ndarray = self.axes[:count] @ (features - self.mean) / self.widths[:count]
        return row

    def evidence(self, features: np.ndarray, small: np.ndarray) -> np.ndarray:
        """float32 (m, 2 k + 2 j + 4) of m images: components, their sizes, and the logarithms of the four distances."""
        k = len(self.axes)
        sides = [
            _against(features - self.mean, self.axes, self.widths[:k], self.spare),
            _against(small - self.small_mean, self.small_axes, self.widths[k:], self.small_spare),
        ]
        scores = np.hstack([side[0] for side in sides])
        return np.hstack([scores, np.abs(scores), *(side[1] for side in sides)])

    def save(self, path: Path) -> None:
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        half = {
            name: array.astype(np.float16) if array.dtype.kind == "f" and name in _HALF else array for name, array in arrays.items()
        }
        half["files"] = np.frombuffer("\n".join(self.files).encode(), np.uint8)
        np.savez_compressed(path, **half)

    @classmethod
    def load(cls, source: Path | BinaryIO) -> "Reference":
        """Raises ModelError for a file that is no reference of this version, or that hides objects (a pickle is never run)."""
        try:
            with np.load(source, allow_pickle=False) as stored:
                found = {field.name: stored[field.name] for field in fields(cls)}
        except _NO_REFERENCE as error:
            raise ModelError(f"{FILE} does not fit this version of Pneumo. Promote the run again.") from error
        found["files"] = np.array(found["files"].tobytes().decode().split("\n"))
        return cls(**{name: array.astype(np.float32) if array.dtype.kind == "f" else array for name, array in found.items()})


# What numpy and zipfile raise on what is no archive of arrays; a single array is no context manager (TypeError, AttributeError).
_NO_REFERENCE = (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, RuntimeError, BadZipFile, zlib.error)
_HALF = ("scores", "axes", "small_axes")  # the large ones


def small_view(image: np.ndarray) -> np.ndarray:
    """Canonical uint8 (224, 224) -> float32 (784,): the margin cut off, 28 x 28, mean 0 and deviation 1."""
    margin = InputSpec().margin
    inner = image[margin : CANONICAL_SIDE - margin, margin : CANONICAL_SIDE - margin]
    small = cv2.resize(np.ascontiguousarray(inner), (SMALL, SMALL), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    view: np.ndarray = (small - small.mean()) / max(float(small.std()), 4.0)  # at least: empty pictures' grain is no content
    return view


def components(rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(mean (c,), axes (count, c), widths (count,), spare (1,)) of rows (n, c), all float32; see Reference.

    The axes are rounded as they will be stored, before anything is measured with them.
    """
    mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = rows - mean
    values, vectors = np.linalg.eigh(centred.T.astype(np.float64) @ centred / len(rows))
    # A channel that train never stirs has no width; the floor keeps scores finite.
    widths = np.sqrt(np.maximum(values[::-1][:count], max(1e-8 * values[-1], 1e-12))).astype(np.float32)
    axes = vectors[:, ::-1][:, :count].T.astype(np.float16).astype(np.float32)
    left = _left(centred, axes)
    return mean, axes, widths, np.array([max(np.sqrt((left**2).mean()), 1e-6)], np.float32)


def _left(centred: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """(m,): length of what the components leave of each row."""
    inside = ((centred @ axes.T) ** 2).sum(axis=1)
    left: np.ndarray = np.sqrt(np.maximum((centred**2).sum(axis=1) - inside, 0.0))
    return left


def _against(centred: np.ndarray, axes: np.ndarray, widths: np.ndarray, spare: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores = centred @ axes.T / widths
    within = np.sqrt((scores**2).mean(axis=1))
    return scores, np.log1p(np.column_stack([within, _left(centred, axes) / spare]))
