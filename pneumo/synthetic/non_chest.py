"""Kinds of pictures that are no chest X-ray, to measure the gate with: some to fit it by, others kept aside for its figures.

All are made by seed, from code (`foreign_drawn`, `foreign_films`) or from pictures that come with installed libraries
(`foreign_stored`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from pneumo.imaging.decoding.decode import decode
from pneumo.imaging.overlay import png
from pneumo.imaging.preprocess import CANONICAL_SIDE, canonical
from pneumo.synthetic import non_chest_drawn as drawn
from pneumo.synthetic import non_chest_films as films
from pneumo.synthetic.non_chest_stored import MORE_PHOTOS, MORE_SLICES, PHOTOS, SCANS, SLICES, piece


@dataclass(frozen=True)
class Kind:
    """`make(rng)` gives one picture, uint8 (h, w) or (h, w, 3). What is kept `aside` chose nothing."""

    name: str
    aside: bool
    make: Callable[[np.random.Generator], np.ndarray]

    def pictures(self, count: int, seed: int = 0) -> list[np.ndarray]:
        """`count` pictures; equal seeds give equal pictures, whatever other kinds there are."""
        return [self.make(np.random.default_rng([seed, number, *self.name.encode()])) for number in range(count)]


KINDS = (
    Kind("photographs, grey", False, lambda rng: piece(PHOTOS, rng, grey=True)),
    Kind("head slice, MR", False, partial(piece, SLICES)),
    Kind("printed pages", False, drawn.paper),
    Kind("charts", False, drawn.chart),
    Kind("noise", False, drawn.noise),
    Kind("gradients", False, drawn.gradient),
    Kind("shapes", False, drawn.shapes),
    Kind("CT-like slices", False, drawn.ct_slice),
    Kind("arms and legs, drawn", False, films.limb),
    Kind("bellies, drawn", False, films.abdomen),
    Kind("skulls, drawn", False, films.skull),
    Kind("films of no part, drawn", False, films.no_part),
    Kind("photographs in colour", True, partial(piece, MORE_PHOTOS[:6])),
    Kind("other photographs, grey", True, lambda rng: piece(MORE_PHOTOS, rng, grey=True)),
    Kind("scans and micrographs, grey", True, lambda rng: piece(SCANS, rng, grey=True)),
    Kind("CT, MR, ultrasound, nuclear medicine", True, lambda rng: piece(MORE_SLICES, rng, grey=True)),
    Kind("handwriting", True, drawn.handwriting),
    Kind("screens", True, drawn.screen),
    Kind("codes", True, drawn.code),
    Kind("empty exposures", True, drawn.flat),
    Kind("ultrasound fans, drawn", True, drawn.ultrasound),
    Kind("hands, drawn", True, films.hand),
    Kind("mammograms, drawn", True, films.breast),
    Kind("teeth, drawn", True, films.teeth),
    Kind("feet, drawn", True, films.foot),
    Kind("spines from the side, drawn", True, films.side_spine),
)


def as_served(picture: np.ndarray) -> np.ndarray:
    """A picture as uint8 (h, w) or (h, w, 3) -> the canonical image that serving makes of its file, uint8 (224, 224)."""
    return canonical(decode(png(picture)))


def close_up(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A square of 15 to 35 % of the side, anywhere, enlarged to a canonical image."""
    side = int(CANONICAL_SIDE * rng.uniform(0.15, 0.35))
    top, left = rng.integers(0, CANONICAL_SIDE - side, 2)
    part = np.ascontiguousarray(image[top : top + side, left : left + side])
    return np.asarray(Image.fromarray(part).resize((CANONICAL_SIDE, CANONICAL_SIDE), Image.Resampling.BICUBIC))


def posed(images: np.ndarray) -> list[np.ndarray]:
    """Copies of uint8 (n, 224, 224): turned left by 90, 180 and 270 degrees, and inverted."""
    return [*(np.rot90(images, turns, (1, 2)) for turns in (1, 2, 3)), 255 - images]
