"""Perturbations of a radiograph: exposure, detector, storage, framing and burned-in marks.

Each function takes a canonical image, uint8 (224, 224), and returns a new one; equal arguments give equal images. Moved
images are padded by repeating edge pixels: black corners would be an additional cue.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pneumo.imaging.preprocess import CANONICAL_SIDE


@dataclass(frozen=True)
class Change:
    """One row of a robustness table."""

    kind: str
    amount: str  # for display, with its unit
    apply: Callable[[np.ndarray], np.ndarray]


def brightness(image: np.ndarray, amount: float) -> np.ndarray:
    """Add `amount`, -1 to 1, times the full grey range; clipped at black and white."""
    return grey_bytes(image.astype(np.float32) + 255.0 * amount)


def contrast(image: np.ndarray, factor: float) -> np.ndarray:
    """Scale the distance from the image's mean by `factor` (1: unchanged)."""
    pixels = image.astype(np.float32)
    return grey_bytes(pixels.mean() + factor * (pixels - pixels.mean()))


def gamma(image: np.ndarray, exponent: float) -> np.ndarray:
    """Grey in [0, 1] to the power `exponent`: below 1 brightens dark parts, above 1 darkens them."""
    return grey_bytes(255.0 * (image.astype(np.float32) / 255.0) ** exponent)


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur, `sigma` in canonical pixels."""
    return grey_bytes(cv2.GaussianBlur(image.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE))


def noise(image: np.ndarray, deviation: float, seed: int = 0) -> np.ndarray:
    """Independent Gaussian noise; `deviation` as a share of the full grey range."""
    return grey_bytes(image + 255.0 * deviation * np.random.default_rng(seed).standard_normal(image.shape))


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """Save as JPEG and read again; `quality` 1 to 95 as in Pillow."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def rotation(image: np.ndarray, degrees: float) -> np.ndarray:
    """Turned clockwise about the middle."""
    middle = (CANONICAL_SIDE - 1) / 2
    return _moved(image, cv2.getRotationMatrix2D((middle, middle), -degrees, 1.0))


def shift(image: np.ndarray, right: float, down: float) -> np.ndarray:
    """Moved by fractions of the side; negative is left and up."""
    return _moved(image, np.array([[1.0, 0.0, right * CANONICAL_SIDE], [0.0, 1.0, down * CANONICAL_SIDE]]))


def crop(image: np.ndarray, share: float) -> np.ndarray:
    """Cut `share` of the side off each edge and enlarge the rest to 224 x 224."""
    cut = round(share * CANONICAL_SIDE)
    inner = np.ascontiguousarray(image[cut : CANONICAL_SIDE - cut, cut : CANONICAL_SIDE - cut])
    return cv2.resize(inner, (CANONICAL_SIDE, CANONICAL_SIDE), interpolation=cv2.INTER_LINEAR)


def pad(image: np.ndarray, share: float) -> np.ndarray:
    """Repeat the edge pixels outwards by `share` of the side at each edge and reduce the result to 224 x 224."""
    width = round(share * CANONICAL_SIDE)
    wider = np.pad(image, width, mode="edge")
    return cv2.resize(wider, (CANONICAL_SIDE, CANONICAL_SIDE), interpolation=cv2.INTER_AREA)


def marker(image: np.ndarray, text: str, x: int, y: int, height: int) -> np.ndarray:
    """Burn in white `text`: upper left corner at canonical pixel (x, y), letters about `height` pixels high."""
    picture = Image.fromarray(image)  # a copy
    font = ImageFont.load_default(height)
    ImageDraw.Draw(picture).multiline_text((x, y), text, fill=255, font=font, anchor="la", spacing=1)
    return np.asarray(picture)


def _moved(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    side = (CANONICAL_SIDE, CANONICAL_SIDE)
    return cv2.warpAffine(image, matrix, side, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def grey_bytes(pixels: np.ndarray) -> np.ndarray:
    """Grey levels, any float array -> uint8 of the same shape, rounded and clipped."""
    return np.asarray(np.rint(np.clip(pixels, 0.0, 255.0)), np.uint8)


# Each kind with a barely visible and an obvious amount. Markers keep clear of the 16-pixel margin that models cut off (see
# InputSpec.margin): there they would have no effect. The R upper left and the time imitate one device in the train part.
CHANGES = (
    Change("none", "", np.copy),
    *(Change("brightness", f"{amount:+.2f}", partial(brightness, amount=amount)) for amount in (-0.20, -0.10, 0.10, 0.20)),
    *(Change("contrast", f"x {factor}", partial(contrast, factor=factor)) for factor in (0.6, 0.8, 1.4)),
    *(Change("gamma", f"{exponent}", partial(gamma, exponent=exponent)) for exponent in (0.6, 1.6)),
    *(Change("blur", f"{sigma:g} px", partial(blur, sigma=sigma)) for sigma in (1.0, 2.0)),
    *(Change("noise", f"{deviation}", partial(noise, deviation=deviation)) for deviation in (0.02, 0.06)),
    *(Change("JPEG quality", f"{quality}", partial(jpeg, quality=quality)) for quality in (40, 15)),
    *(Change("rotation", f"{degrees:g} degrees", partial(rotation, degrees=degrees)) for degrees in (5.0, -10.0)),
    Change("shift", "5 % right", partial(shift, right=0.05, down=0.0)),
    Change("shift", "10 % down", partial(shift, right=0.0, down=0.10)),
    Change("frame padded", "12 %", partial(pad, share=0.12)),
    *(Change("frame cropped", f"{100 * share:g} %", partial(crop, share=share)) for share in (0.06, 0.12)),
    Change("marker", "R, upper left", partial(marker, text="R", x=22, y=20, height=28)),
    Change("marker", "L, upper right", partial(marker, text="L", x=186, y=20, height=28)),
    Change("marker", "time, upper right", partial(marker, text="10:42:07\nmA:320\nkV:70", x=160, y=20, height=12)),
)
