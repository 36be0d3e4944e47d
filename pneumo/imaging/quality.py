"""Quality rules that an image must meet to get an answer: colour, size, aspect ratio, contrast, clipping."""

from dataclasses import dataclass

import numpy as np

from pneumo.imaging.preprocess import CANONICAL_SIDE, InputSpec
from pneumo.imaging.radiograph import ImageFacts

# bench/gate.py prints how close the X-rays of a data set come to each limit.
COLOUR_WARN, COLOUR_REJECT = 0.02, 0.08  # mean of (highest - lowest colour channel), share of full range
SMALL_SIDE = 160  # pixels; below 64 the decoder refuses
ASPECT_WARN, ASPECT_REJECT = 2.6, 4.0  # longer side over shorter
CONTRAST_WARN, CONTRAST_REJECT = 0.20, 0.08  # from the 1st to the 99th percentile of grey, share of full range
CLIPPED_WARN, CLIPPED_REJECT = 0.30, 0.70  # share of pixels that are pure black or pure white


@dataclass(frozen=True)
class Issue:
    """A broken quality rule."""

    rejects: bool  # if False, a warning shown with the answer
    reason: str


def image_issues(image: np.ndarray, facts: ImageFacts) -> list[Issue]:
    """The rules that a canonical image, uint8 (224, 224), or the facts of its file break; empty if none."""
    margin = InputSpec().margin
    inner = image[margin : CANONICAL_SIDE - margin, margin : CANONICAL_SIDE - margin]
    low, high = np.percentile(inner, (1, 99)) / 255.0
    aspect = max(facts.width, facts.height) / min(facts.width, facts.height)
    rules = {  # (value, limit of a warning, limit of a rejection): (rejection, warning)
        (facts.colour or 0.0, COLOUR_WARN, COLOUR_REJECT): (
            "The image is in colour: a photograph or a drawing, it seems. Expected a grey X-ray.",
            "The image is tinted; expected grey. A photograph of a film or a screen can mislead: use the original file.",
        ),
        (aspect, ASPECT_WARN, ASPECT_REJECT): (
            f"The image is {facts.width} x {facts.height} pixels, a strip; expected a whole chest, nearly square.",
            f"The image is {facts.width} x {facts.height} pixels, unusually long; is the whole chest in it?",
        ),
        (low - high, -CONTRAST_WARN, -CONTRAST_REJECT): (
            "The image has hardly any contrast: nothing can be read in it. Export the X-ray with its window.",
            "The image has little contrast. Export the X-ray with its window, if that is possible.",
        ),
        (clipped_share(inner), CLIPPED_WARN, CLIPPED_REJECT): (
            "Most of the image is pure black or pure white: a page or a drawing, or an exposure without detail.",
            "Much of the image is pure black or pure white; detail is lost there. Export it with a wider window.",
        ),
    }
    issues = [
        Issue(bool(value > reject), rejection if value > reject else warning)
        for (value, warn, reject), (rejection, warning) in rules.items()
        if value > warn
    ]
    if min(facts.width, facts.height) < SMALL_SIDE:
        issues.append(Issue(False, f"The image has only {facts.width} x {facts.height} pixels: fine detail is lost."))
    return issues


def clipped_share(pixels: np.ndarray) -> float:
    """Share of uint8 pixels that are black or white, with a tolerance of one grey level for JPEG noise."""
    return float(np.mean((pixels <= 1) | (pixels >= 254)))
