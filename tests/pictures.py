"""A chest and a reference small enough to reason about: six features with mean 0 and deviation 1 in train."""

import numpy as np

from pneumo.imaging.preprocess import canonical
from pneumo.imaging.radiograph import ImageFacts, Radiograph
from pneumo.inference.reference import Reference, components, small_view
from pneumo.synthetic.phantom import make_phantom

FACTS = ImageFacts("PNG", 640, 512, 8, 1000)
CHEST = canonical(Radiograph(make_phantom(seed=2).pixels, FACTS))


def make_reference(pose: int = 0, images: int = 40) -> Reference:
    """Log odds are 3 (log(1 + distance of the features within the components) - 2): refused above about 6 deviations."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((images, 6)).astype(np.float32)
    features -= features.mean(axis=0)
    small = small_view(CHEST) + 0.1 * rng.standard_normal((images, 784)).astype(np.float32)
    mean, axes, widths, spare = components(features, 4)
    small_mean, small_axes, small_widths, small_spare = components(small, 5)
    weights = np.zeros(2 * (4 + 5) + 4 + 1, np.float32)
    weights[-5], weights[-1] = 3.0, -6.0
    poses = np.zeros((5, 785), np.float32)
    poses[pose, -1] = 1.0
    files = np.array([f"train/NORMAL/{number}.png" for number in range(images)])
    labels = np.arange(images, dtype=np.uint8) % 2
    return Reference(
        files=files,
        labels=labels,
        subtypes=labels * 2,
        scores=(features - mean) @ axes.T / widths,
        mean=mean,
        axes=axes,
        spare=spare,
        small_mean=small_mean,
        small_axes=small_axes,
        small_spare=small_spare,
        widths=np.concatenate([widths, small_widths]),
        weights=weights,
        cuts=np.array([-1.0, 0.0], np.float32),
        poses=poses,
    )
