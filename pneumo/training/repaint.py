"""Images painted over at training, so that the network learns from the lungs and not from what is around them.

Some are shown with the lungs of another child in them, and the other's label; some with their lungs hidden, and no label:
the network shall then say that it does not know. Where the lungs lie is guessed by the atlas (imaging/lungs.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pneumo.arrays import Images
from pneumo.imaging.lungs import Placement, lungs_hidden, mask_at, placement
from pneumo.imaging.surroundings import with_lungs_of


@dataclass(frozen=True)
class Repaint:
    """Shares of the images shown with `swapped` surroundings and with `hidden` lungs, and where each image's lungs lie."""

    swapped: float
    hidden: float
    places: Sequence[Placement]

    @classmethod
    def for_images(cls, images: Images, swapped: float, hidden: float) -> "Repaint | None":
        """None where nothing is painted over: finding the lungs takes 15 ms an image."""
        if not swapped and not hidden:
            return None
        return cls(swapped, hidden, [placement(images[i]) for i in range(len(images))])

    def __call__(self, images: Images, i: int, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
        """Image `i`, uint8 (224, 224), as this draw shows it, and whether its lungs can be seen. Its label stays its own."""
        draw, other = rng.random(), int(rng.integers(len(images)))
        if draw < self.swapped:
            return with_lungs_of(images[other], self.places[other], images[i], self.places[i]), True
        if draw < self.swapped + self.hidden:
            return lungs_hidden(images[i], mask_at(self.places[i])), False
        return images[i], True
