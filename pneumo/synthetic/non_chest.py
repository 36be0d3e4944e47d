"""Kinds of images that are not chest X-rays, to fit the gate (some kinds) and to test it (held-out kinds).

All are generated from a seed: drawn by code (`non_chest_drawn`, `non_chest_films`) or cropped from images in installed
libraries (`non_chest_stored`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pneumo.imaging.decoding.decode import decode_image
from pneumo.imaging.overlay import png
from pneumo.imaging.preprocess import CANONICAL_SIDE, canonical
from pneumo.synthetic import non_chest_drawn as drawn
from pneumo.synthetic import non_chest_films as films
from pneumo.synthetic.non_chest_stored import MORE_PHOTOS, MORE_SLICES, PHOTOS, SCANS, SLICES, chosen_name, random_crop


@dataclass(frozen=True)
class Kind:
    """`make(rng)` returns one picture, uint8 (h, w) or (h, w, 3). A kind that is `held_out` is used for testing only.

    `cut_from`: names of the stored pictures that it crops; empty for a drawn kind.
    """

    name: str
    held_out: bool
    make: Callable[[np.random.Generator], np.ndarray]
    cut_from: tuple[str, ...] = ()

    def pictures(self, count: int, seed: int = 0) -> list[np.ndarray]:
        """`count` pictures. They depend only on the seed and this kind's name, not on other kinds."""
        return [self.make(rng) for rng in self._generators(count, seed)]

    def originals(self, count: int, seed: int = 0) -> list[str]:
        """The name of the original of each of `pictures`: crops of one original are not independent."""
        if not self.cut_from:
            return [f"{self.name} {number}" for number in range(count)]
        return [chosen_name(self.cut_from, rng) for rng in self._generators(count, seed)]

    def _generators(self, count: int, seed: int) -> list[np.random.Generator]:
        return [np.random.default_rng([seed, number, *self.name.encode()]) for number in range(count)]


def _crops(name: str, held_out: bool, names: tuple[str, ...], grey: bool = False) -> Kind:
    return Kind(name, held_out, lambda rng: random_crop(names, rng, grey), names)


KINDS = (
    _crops("photographs, grey", False, PHOTOS, grey=True),
    _crops("head slice, MR", False, SLICES),
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
    _crops("photographs in colour", True, MORE_PHOTOS[:6]),
    _crops("other photographs, grey", True, MORE_PHOTOS, grey=True),
    _crops("scans and micrographs, grey", True, SCANS, grey=True),
    _crops("CT, MR, ultrasound, nuclear medicine", True, MORE_SLICES, grey=True),
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
    """A picture, uint8 (h, w) or (h, w, 3) -> canonical image, uint8 (224, 224), as serving makes it from the picture's file."""
    return canonical(decode_image(png(picture)))


def close_up(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A square at a random place, 15 to 35 % of the side long, enlarged to a canonical image."""
    side = int(CANONICAL_SIDE * rng.uniform(0.15, 0.35))
    top, left = rng.integers(0, CANONICAL_SIDE - side, 2)
    square = np.ascontiguousarray(image[top : top + side, left : left + side])
    return np.asarray(Image.fromarray(square).resize((CANONICAL_SIDE, CANONICAL_SIDE), Image.Resampling.BICUBIC))


def rotated_and_inverted(images: np.ndarray) -> list[np.ndarray]:
    """Four copies of uint8 (n, 224, 224): rotated anticlockwise by 90, 180 and 270 degrees, and inverted."""
    return [*(np.rot90(images, turns, (1, 2)) for turns in (1, 2, 3)), 255 - images]
