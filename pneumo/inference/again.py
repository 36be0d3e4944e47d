"""Another model asked about an image that was read before: its own gate decides, as it would have when the file came."""

from dataclasses import replace

import numpy as np

from pneumo.imaging.decoding.decoded_file import Decoded
from pneumo.imaging.preprocess import canonical
from pneumo.imaging.radiograph import ImageFacts, Radiograph
from pneumo.inference.finding import Finding, Opened, answered
from pneumo.inference.predictor import Predictor


def ask_again(sha256: str, image: np.ndarray, facts: ImageFacts, predictor: Predictor) -> Finding:
    """What `predictor` says of the canonical `image`, uint8 (224, 224), of a file with these facts and hash. Without pictures."""
    gone = Radiograph(np.empty((0, 0), np.float32), facts)  # gate and model look at image and facts alone
    return replace(answered(Opened(sha256, 0.0, Decoded(gone, image)), predictor), radiograph=None, canonical=None)


def image_to_keep(finding: Finding) -> np.ndarray | None:
    """The canonical image that another model could be asked about: also of a file that this one's gate refused."""
    if finding.canonical is None and finding.radiograph is not None:
        return canonical(finding.radiograph)
    return finding.canonical
