"""Images painted over at training, so that the network learns from the lungs and not from what is around them.

Some are shown with the lungs of another child in them, and the other's label; some with their lungs hidden, and no label:
the network shall then say that it does not know. Where the lungs lie is guessed by the atlas (imaging/lungs.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pneumo.imaging.lung_box import Box
from pneumo.imaging.lungs import Placement, lungs_hidden, placement
from pneumo.imaging.surroundings import with_lungs_of
from pneumo.training.parts import Part


@dataclass(frozen=True)
class Repaint:
    """Shares of the images shown with `swapped` surroundings and with `hidden` lungs, and where each image's lungs lie."""

    swapped: float
    hidden: float
    part: Part
    places: Sequence[Placement]

    @classmethod
    def of(cls, part: Part, swapped: float, hidden: float) -> "Repaint":
        places = [placement(part.images[i]) for i in range(len(part.images))] if swapped else ()
        return cls(swapped, hidden, part, places)

    def __call__(self, i: int, rng: np.random.Generator) -> tuple[np.ndarray, Box | None, bool]:
        """Image `i`, uint8 (224, 224), as this draw shows it, the box of its lungs, and whether they can be seen."""
        images, boxes = self.part.images, self.part.boxes
        draw, other = rng.random(), int(rng.integers(len(images)))
        if draw < self.swapped:
            box = None if boxes is None else boxes[other]
            return with_lungs_of(images[other], self.places[other], images[i], self.places[i]), box, True
        box = None if boxes is None else boxes[i]
        if draw < self.swapped + self.hidden:
            return lungs_hidden(images[i], self.part.mask(i)), box, False
        return images[i], box, True
