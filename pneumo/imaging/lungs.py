"""Where the lungs are, about: an atlas of two outlines laid over each image. It is no segmentation.

The outlines follow the air-filled lung beside heart and spine, so lung behind the heart and below the domes of the diaphragm
is left out. They are shifted and stretched (not turned or bent) to where the image is dark inside and bright around. On 60
phantoms with known lungs the overlap (Dice) is 0.82 on average and 0.66 at worst, against 0.72 and 0.62 for the outlines left where
they were drawn; on 12 real images outlined by hand 0.75, and 0.57 at worst (docs/lungs.md): it goes wrong where both lungs are
white, the chest is turned, or the frame cuts it. Training moves lungs by it, because a placement of two outlines can be stretched
onto another; where lungs are measured, inference/lung_fields.py finds them better.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from pneumo.imaging.preprocess import CANONICAL_SIDE

# The image's left (the right lung) and right, canonical pixels (x, y): drawn by eye on the mean of 500 healthy train children.
# fmt: off
_OUTLINES = (
    [(86, 40), (76, 46), (66, 56), (56, 70), (47, 88), (40, 108), (34, 130), (30, 150), (27, 174), (36, 171), (46, 167),
     (57, 164), (72, 161), (86, 160), (91, 150), (89, 130), (90, 110), (93, 80), (94, 60), (92, 48)],
    [(136, 41), (147, 46), (158, 57), (168, 71), (178, 90), (185, 109), (190, 130), (194, 150), (197, 180), (188, 175),
     (178, 170), (167, 165), (164, 148), (158, 130), (149, 110), (140, 92), (133, 74), (131, 56), (132, 47)],
)
# fmt: on
_GRID = 56  # the search runs on a quarter of the side
_REACH = 10  # furthest shift, grid cells
_RING = 3  # width of the surroundings that must be brighter, grid cells
_ACROSS = (0.86, 0.93, 1.0, 1.08, 1.16)  # stretches tried
_DOWN = (0.80, 0.88, 0.96, 1.04, 1.14, 1.25, 1.37)  # wide pictures of tall children are squashed most
# How far outlines stray in train, about one deviation: of shift (fractions of the side) and of the stretch's logarithm.
_SHIFT_X, _SHIFT_Y, _LOG_ACROSS, _LOG_DOWN = 0.06, 0.12, 0.12, 0.20
_PRIOR = 0.03  # what one deviation costs, in units of correlation

HIDE_MARGIN = 12  # canonical pixels: what it takes to cover 0.98 of the phantoms' lungs, against 0.79 without a margin
_FEATHER, _SPREAD = 6, 12  # canonical pixels


@dataclass(frozen=True)
class Placement:
    """Where the outlines lie in an image: stretched about its middle, then shifted by fractions of its side."""

    across: float = 1.0
    down: float = 1.0
    right: float = 0.0
    below: float = 0.0


def lung_mask(image: np.ndarray, margin: int = 0) -> np.ndarray:
    """bool (224, 224): the lung fields of a canonical image, uint8 (224, 224), widened by `margin` pixels on all sides."""
    return mask_at(placement(image), margin)


def mask_at(place: Placement, margin: int = 0) -> np.ndarray:
    """bool (224, 224): the outlines at `place`, widened by `margin` pixels on all sides."""
    return widened(_drawn(CANONICAL_SIDE, place).astype(bool), margin)


def widened(mask: np.ndarray, margin: int) -> np.ndarray:
    """bool (h, w): `mask` and everything within `margin` pixels of it."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1,) * 2)
    return cv2.dilate(mask.astype(np.uint8), kernel).astype(bool)


def lungs_hidden(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """uint8 (224, 224): the lungs of `mask` (see `lung_mask`) and 12 pixels around them painted over by their surroundings.

    That is half of what a model is shown; a narrower cover leaves lung at its rim.
    """
    return _painted(image, widened(mask, HIDE_MARGIN))


def lungs_only(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """uint8 (224, 224): everything but the lungs of `mask` painted over by the grey levels of the lungs."""
    return _painted(image, ~mask)


def faded(cover: np.ndarray) -> np.ndarray:
    """float32 (h, w): 1 inside `cover`, bool (h, w), falling to 0 within 6 pixels of it."""
    beyond = cv2.distanceTransform((~cover).astype(np.uint8), cv2.DIST_L2, 5)
    return np.clip(1.0 - beyond / _FEATHER, 0.0, 1.0)


def _painted(image: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """`cover` filled with a smooth continuation of the tissue around it, faded out over 6 pixels beyond it.

    One flat grey would cut a bright or dark silhouette into the picture, as telling as the lungs: this leaves no edge to see.
    Air is not continued: beside the chest wall it would grow into dark fields much like lungs. Nothing inside `cover` has
    any say in the result.
    """
    share = faded(cover)
    pixels, left = image.astype(np.float32), share == 0
    if not left.any():  # nothing to continue
        return np.full_like(image, 128)
    tissue = (left & (pixels >= 0.5 * np.percentile(pixels[left], 75))).astype(np.float32)
    mean = (pixels * tissue).sum() / tissue.sum()
    weight = cv2.GaussianBlur(tissue, (0, 0), _SPREAD) + 1e-3  # far from all tissue, its mean
    fill = (cv2.GaussianBlur(pixels * tissue, (0, 0), _SPREAD) + 1e-3 * mean) / weight
    painted: np.ndarray = np.rint(pixels * (1.0 - share) + fill * share).astype(np.uint8)
    return painted


def placement(image: np.ndarray) -> Placement:
    """Where the outlines fit a canonical image, uint8 (224, 224), best.

    The fit is the correlation of the picture with "dark inside, bright around", less what straying from the atlas costs.
    """
    field = _field(image)
    shift = np.arange(-_REACH, _REACH + 1) / _GRID
    straying = (shift / _SHIFT_X) ** 2 + (shift[:, np.newaxis] / _SHIFT_Y) ** 2
    best, found = -np.inf, Placement()
    for across in _ACROSS:
        for down in _DOWN:
            template, support = _template(across, down)
            size = support.sum()
            product, total, square = (
                cv2.matchTemplate(plane, kernel, cv2.TM_CCORR)
                for plane, kernel in ((field, template), (field, support), (field * field, support))
            )
            correlation = product / np.sqrt(np.maximum(square - total * total / size, 1e-6))
            cost = straying + (np.log(across) / _LOG_ACROSS) ** 2 + (np.log(down) / _LOG_DOWN) ** 2
            score = correlation - _PRIOR * cost
            y, x = np.unravel_index(score.argmax(), score.shape)
            if score[y, x] > best:
                best, found = score[y, x], Placement(across, down, float(shift[x]), float(shift[y]))
    return found


def _field(image: np.ndarray) -> np.ndarray:
    """float32 (76, 76): the picture on the grid without exposure, slow shading and the air beside the body; 0 around it."""
    soft = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 3)
    small = cv2.resize(soft, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    middle = np.median(small[_GRID // 4 : -_GRID // 4, _GRID // 4 : -_GRID // 4])
    dark = small < 0.45 * middle
    from_left = np.logical_and.accumulate(dark, axis=1)
    from_right = np.logical_and.accumulate(dark[:, ::-1], axis=1)[:, ::-1]
    small[from_left | from_right] = middle  # black air would draw the lungs to itself
    detail = small - cv2.GaussianBlur(small, (0, 0), 10)
    detail = np.clip(detail / max(detail.std(), 1.0), -1.5, 1.5)  # below one grey level there is nothing to follow
    field: np.ndarray = cv2.copyMakeBorder(detail, *(_REACH,) * 4, cv2.BORDER_CONSTANT, value=0.0)
    return field


@cache
def _template(across: float, down: float) -> tuple[np.ndarray, np.ndarray]:
    """Two float32 (56, 56): negative in the lungs, positive around, of mean 0 and length 1; and 1 on both, 0 elsewhere."""
    lungs = _drawn(_GRID, Placement(across, down))
    support = widened(lungs, _RING).astype(np.float32)
    ring = support - lungs
    template = ring / ring.sum() - lungs / np.float32(lungs.sum())
    return template / np.linalg.norm(template), support


def _drawn(side: int, place: Placement) -> np.ndarray:
    """uint8 (side, side), 1 inside the outlines."""
    mask = np.zeros((side, side), np.uint8)
    for outline in _OUTLINES:
        corners = (np.array(outline) / CANONICAL_SIDE - 0.5) * [place.across, place.down] + 0.5 + [place.right, place.below]
        cv2.fillPoly(mask, [np.rint((corners * side - 0.5) * 16).astype(np.int32)], 1, shift=4)
    return mask
