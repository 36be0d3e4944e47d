"""Lung fields of a canonical image by the project's segmenter, with a plausibility check.

Serving reads the sealed folder models/lungs/: `lungs.onnx`, and `lungs.json` with its SHA-256, training settings and agreement with
manual outlines (docs/lungs.md).
"""

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pneumo.errors import LungsNotFound, ModelError
from pneumo.imaging.lung_box import Box, bounding_box
from pneumo.imaging.preprocess import CANONICAL_SIDE, VERSION
from pneumo.inference.session import load_session
from pneumo.paths import SHIPPED_MODELS, models_dir
from pneumo.registry.card_checks import non_finite_numbers
from pneumo.registry.seal import Seal, sealed_file, sealed_files

log = logging.getLogger(__name__)

FOLDER, GRAPH, DESCRIPTION = "lungs", "lungs.onnx", "lungs.json"
SHIPPED = SHIPPED_MODELS / FOLDER
_WHOSE = "The lung segmenter"  # start of error messages

# Limits from 400 train images, with a margin (docs/lungs.md). Areas are shares of the image.
_SPECK = 0.005  # smaller components are ignored
_ONE_FIELD = (0.02, 0.34)
_BOTH_FIELDS = (0.08, 0.62)
_UNLIKE = 4.0  # largest ratio of the two areas
_SHORTER = 2 / 3  # smallest ratio of the two heights: the field of a consolidated lung ends too high
_SURE = 0.88  # smallest expected Dice


@dataclass(frozen=True)
class LungFields:
    """Lung fields of one image. Do not measure inside `mask` unless `plausible`."""

    mask: np.ndarray  # bool (224, 224)
    quality: float  # Dice of `mask` expected from the pixel probabilities, 0 to 1
    reason: str = ""  # why the fields are implausible; empty when plausible

    @property
    def plausible(self) -> bool:
        return not self.reason

    @property
    def box(self) -> Box:
        """The region for a lung-centred model. Raises LungsNotFound for implausible fields."""
        if self.reason:
            raise LungsNotFound(self.reason)
        return bounding_box(self.mask)


def segmenter_input(image: np.ndarray, side: int) -> np.ndarray:
    """Canonical uint8 or float32 (224, 224) -> float32 (side, side), mean 0 and deviation 1, independent of exposure."""
    small = cv2.resize(image.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray((small - small.mean()) / max(float(small.std()), 1.0))


class LungFinder:
    """One loaded segmenter. Stateless, so one instance serves all threads and sessions."""

    def __init__(self, graph: bytes | Path, sha256: str = ""):
        self.sha256 = sha256  # of the verified graph
        self.seal: Seal | None = None  # of its folder
        self._session = load_session(graph, _WHOSE, GRAPH)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if [node.name for node in inputs] != ["radiograph"] or "logit" not in [node.name for node in outputs]:
            raise ModelError(f"The lung segmenter does not load: {GRAPH} is another kind of graph. Restore it.")
        self.side = int(inputs[0].shape[1])

    @classmethod
    def load(cls, folder: Path | None = None) -> "LungFinder":
        """Verify the folder (default: see `lungs_folder`), then load. Raises ModelError."""
        folder = folder or lungs_folder()
        if not folder.is_dir():
            raise ModelError(f"No lung segmenter in {folder}. Restore the folder.")
        seal, contents = sealed_files(folder, _WHOSE)
        graph = _described_graph(contents)  # the verified bytes, whatever changes on disk later
        finder = cls(graph, hashlib.sha256(graph).hexdigest())
        finder.seal = seal
        if not seal.signer:
            log.warning("%s is %s: its files are whole, and nobody known here vouches for them.", _WHOSE, seal.state)
        return finder

    def probability(self, image: np.ndarray) -> np.ndarray:
        """float32 (224, 224) in [0, 1]: probability of lung in a canonical image, averaged over it and its mirror image."""
        straight = segmenter_input(image, self.side)
        batch = np.stack([straight, straight[:, ::-1]])[..., np.newaxis]
        (logits,) = self._session.run(["logit"], {"radiograph": batch})
        logit = cv2.resize((logits[0] + logits[1][:, ::-1]) / 2, (CANONICAL_SIDE,) * 2, interpolation=cv2.INTER_LINEAR)
        return np.asarray((1.0 / (1.0 + np.exp(-np.clip(logit, -30.0, 30.0)))).astype(np.float32))

    def find(self, image: np.ndarray) -> LungFields:
        """The lung fields of a canonical image, uint8 (224, 224). Raises ValueError for any other shape or type."""
        if image.shape != (CANONICAL_SIDE,) * 2 or image.dtype != np.uint8:
            raise ValueError(f"expected a canonical image, uint8 (224, 224); received {image.dtype} {image.shape}")
        probability = self.probability(image)
        fields = _fields(probability > 0.5)
        mask = np.logical_or.reduce(fields) if fields else np.zeros(image.shape, bool)
        covered = float(probability.sum() + mask.sum())
        quality = float(2 * probability[mask].sum() / covered) if mask.any() else 0.0
        return LungFields(mask, quality, implausible(fields, quality))


def lungs_folder() -> Path:
    """lungs/ of the registry, else the shipped one."""
    own = models_dir() / FOLDER
    return own if own.is_dir() else SHIPPED


def read_description(folder: Path) -> dict[str, Any]:
    """The verified lungs.json of `folder`. Raises ModelError when it is missing or damaged."""
    return _description(sealed_file(folder, DESCRIPTION, _WHOSE))


def check_segmenter(folder: Path) -> None:
    """Raises ModelError unless an unsealed folder holds a segmenter."""
    try:
        LungFinder(_described_graph({name: (folder / name).read_bytes() for name in (GRAPH, DESCRIPTION)}))
    except OSError as error:
        raise ModelError(f"{_WHOSE} in {folder} is incomplete: {error.strerror or error}. Restore the folder.") from error


def _described_graph(contents: dict[str, bytes]) -> bytes:
    """The graph, checked against lungs.json. Raises ModelError."""
    for name in (GRAPH, DESCRIPTION):
        if name not in contents:
            raise ModelError(f"{_WHOSE} is incomplete: {name} is missing. Restore it; no lung fields without it.")
    described, graph = _description(contents[DESCRIPTION]), contents[GRAPH]
    if hashlib.sha256(graph).hexdigest() != described.get("sha256"):
        raise ModelError(f"{_WHOSE} does not verify: {GRAPH} was altered. Restore it; no lung fields from it.")
    if described.get("preprocessing") != VERSION:
        raise ModelError(f"{_WHOSE} was made for another preprocessing. Train it again: python -m pneumo lungs train.")
    return graph


def _description(data: bytes) -> dict[str, Any]:
    damaged = f"{_WHOSE} does not verify: {DESCRIPTION} is damaged"
    try:
        description = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{damaged}. Restore it.") from error
    if not isinstance(description, dict):
        raise ModelError(f"{damaged}: expected one JSON object. Restore it.")
    if odd := non_finite_numbers(description):
        raise ModelError(f"{damaged}: {odd[0]}. Restore it.")
    return description


def implausible(fields: list[np.ndarray], quality: float = 1.0) -> str:
    """Why bool masks (224, 224) are not plausible lung fields; "" if they are."""
    if len(fields) < 2:
        return "Only one lung field was found; expected two." if fields else "No lung field was found."
    areas = sorted((float(field.mean()) for field in fields), reverse=True)
    left, right = sorted(fields, key=_middle)
    if not _ONE_FIELD[0] <= areas[1] <= areas[0] <= _ONE_FIELD[1] or not _BOTH_FIELDS[0] <= sum(areas) <= _BOTH_FIELDS[1]:
        shares = " and ".join(f"{area:.0%}" for area in areas)
        return f"The lung fields found cover {shares} of the image, which lungs do not."
    if areas[0] > _UNLIKE * areas[1]:
        return f"One lung field was found {areas[0] / areas[1]:.1f} times as large as the other."
    heights = sorted(int(field.any(axis=1).sum()) for field in fields)
    if heights[0] < _SHORTER * heights[1]:
        return f"One lung field was found {heights[0] / heights[1]:.0%} as tall as the other: part of a lung was probably missed."
    if _middle(left) > 0.5 or _middle(right) < 0.5:
        return "Both lung fields were found on the same side of the image."
    if quality < _SURE:
        return "The outlines of the lungs are too uncertain."
    return ""


def _fields(mask: np.ndarray) -> list[np.ndarray]:
    """Up to two largest components of a mask, holes filled, the largest first."""
    _, pieces, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    areas = facts[1:, cv2.CC_STAT_AREA]
    order = [1 + i for i in np.argsort(-areas, kind="stable")[:2] if areas[i] >= _SPECK * mask.size]
    return [_without_holes(pieces == piece) for piece in order]


def _without_holes(field: np.ndarray) -> np.ndarray:
    lines, _ = cv2.findContours(field.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros(field.shape, np.uint8), lines, -1, 1, cv2.FILLED).astype(bool)


def _middle(field: np.ndarray) -> float:
    """Horizontal centre of mass, 0 left to 1 right."""
    return float((np.nonzero(field)[1].mean() + 0.5) / field.shape[1])
