"""Drawn pictures that are not chest X-rays: documents, charts, screens, codes, noise, CT slices and ultrasound fans.

Every function takes a random generator and returns one picture, uint8 (h, w) or (h, w, 3), like files uploaded by mistake.
"""

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pneumo.imaging.perturbations import grey_bytes

_WORDS = (
    "the child", "was seen", "with cough", "and fever", "three days", "chest clear", "on the right", "no effusion", "heart size",
    "follow up", "in two weeks", "report", "signed", "page", "total", "name", "date", "ward", "result", "range",
)  # fmt: skip


def paper(rng: np.random.Generator) -> np.ndarray:
    """A scanned printed page: dark text on light, slightly skewed, with noise."""
    image = Image.new("L", (int(rng.integers(420, 640)), int(rng.integers(500, 760))), int(rng.integers(215, 256)))
    pen, size = ImageDraw.Draw(image), int(rng.integers(11, 22))
    font, y = ImageFont.load_default(size), int(rng.integers(20, 60))
    while y < image.height - 40:
        if rng.random() < 0.85:
            line = " ".join(rng.choice(_WORDS, int(image.width / size / 3.2)))
            pen.text((40, y), line[: int((image.width - 80) / size * 1.9)], fill=int(rng.integers(0, 70)), font=font)
        elif rng.random() < 0.5:
            pen.rectangle((40, y, image.width - 40, y + 3 * size), outline=60)
            y += 3 * size
        y += int(1.5 * size)
    return grained(np.asarray(image.rotate(rng.normal(0, 1.5), fillcolor=230)), rng, 4)


def handwriting(rng: np.random.Generator) -> np.ndarray:
    """Pen strokes on paper."""
    image = np.full((int(rng.integers(300, 600)), int(rng.integers(300, 600))), rng.integers(200, 256), np.uint8)
    for y in range(30, image.shape[0] - 20, int(rng.integers(28, 45))):
        x = np.arange(20, image.shape[1] - 20, 4)
        wave = np.cumsum(rng.normal(0, 3, len(x)))
        wave = y + 9 * np.sin(x / rng.uniform(4, 8)) * rng.random(len(x)) + (wave - wave.mean()) * 0.2
        cv2.polylines(image, [np.column_stack([x, wave]).astype(np.int32)], False, int(rng.integers(0, 90)), 2, cv2.LINE_AA)
    return grained(image, rng, 5)


def chart(rng: np.random.Generator) -> np.ndarray:
    """Coloured lines or bars on white, with axes."""
    height, width = int(rng.integers(300, 600)), int(rng.integers(400, 800))
    image, low = np.full((height, width, 3), 255, np.uint8), height - 40
    cv2.line(image, (50, 20), (50, low), (0, 0, 0), 2)
    cv2.line(image, (50, low), (width - 20, low), (0, 0, 0), 2)
    for _ in range(int(rng.integers(1, 5))):
        colour = tuple(int(level) for level in rng.integers(0, 220, 3))
        x = np.linspace(60, width - 30, int(rng.integers(5, 40)))
        y = low - (low - 40) * np.clip(0.5 + np.cumsum(rng.normal(0, 0.12, len(x))), 0, 1)
        if rng.random() < 0.5:
            cv2.polylines(image, [np.column_stack([x, y]).astype(np.int32)], False, colour, 2, cv2.LINE_AA)
        else:
            for left, top in zip(x, y, strict=True):
                cv2.rectangle(image, (int(left), int(top)), (int(left + 200 / len(x)), low), colour, -1)
    return image


def screen(rng: np.random.Generator) -> np.ndarray:
    """A screenshot of a program: bars, panels and lines of text; light or dark."""
    dark = rng.random() < 0.5
    ground, panel, ink = (18, 34, 220) if dark else (250, 232, 30)
    image = Image.new("L", (int(rng.integers(640, 1000)), int(rng.integers(420, 700))), ground)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    pen.rectangle((0, 0, image.width, 40), fill=panel)
    pen.rectangle((0, 40, int(rng.integers(120, 260)), image.height), fill=panel)
    for _ in range(int(rng.integers(4, 12))):
        x, y = int(rng.integers(0, image.width - 120)), int(rng.integers(40, image.height - 60))
        corners = (x, y, x + int(rng.integers(60, 400)), y + int(rng.integers(24, 200)))
        pen.rounded_rectangle(corners, 6, fill=int(rng.integers(0, 256)))
    for _ in range(30):
        place = (int(rng.integers(0, image.width - 100)), int(rng.integers(0, image.height - 20)))
        pen.text(place, " ".join(rng.choice(_WORDS, 4)), fill=ink, font=font)
    return np.asarray(image)


def noise(rng: np.random.Generator) -> np.ndarray:
    """Noise whose amplitude falls with frequency to a power from 0 (white) to 2.5 (clouds)."""
    return clouds(rng, int(rng.integers(200, 500)), int(rng.integers(200, 500)), rng.uniform(0, 2.5))


def gradient(rng: np.random.Generator) -> np.ndarray:
    """A linear or radial grey gradient."""
    y, x = np.mgrid[-1:1:300j, -1:1:360j]
    turn = rng.uniform(0, 2 * np.pi)
    field = np.hypot(x - rng.uniform(-1, 1), y - rng.uniform(-1, 1)) if rng.random() < 0.5 else x * np.cos(turn) + y * np.sin(turn)
    return grained(_grey(field * rng.choice([-1, 1])), rng, rng.uniform(0, 6))


def flat(rng: np.random.Generator) -> np.ndarray:
    """An empty exposure: one grey with noise and a darker rim."""
    y, x = np.mgrid[-1:1:320j, -1:1:320j]
    return grained(rng.uniform(30, 225) - rng.uniform(0, 40) * (x**2 + y**2), rng, rng.uniform(2, 10))


def shapes(rng: np.random.Generator) -> np.ndarray:
    """Discs and polygons of many greys."""
    image = np.full((360, 400), rng.integers(0, 256), np.uint8)
    for _ in range(int(rng.integers(4, 25))):
        grey, centre = int(rng.integers(0, 256)), rng.integers(0, 400, 2)
        if rng.random() < 0.4:
            cv2.circle(image, centre.tolist(), int(rng.integers(10, 110)), grey, -1, cv2.LINE_AA)
        else:
            corners = centre + rng.integers(-110, 110, (int(rng.integers(3, 7)), 2))
            cv2.fillPoly(image, [corners.astype(np.int32)], grey, cv2.LINE_AA)
    return image


def code(rng: np.random.Generator) -> np.ndarray:
    """Black and white squares or bars, like a QR code or bar code."""
    cells = rng.random((1 if rng.random() < 0.4 else 29, 29 if rng.random() < 0.5 else 60)) < 0.5
    inside = cv2.resize(cells.astype(np.uint8) * 255, (400, 400), interpolation=cv2.INTER_NEAREST)
    return np.pad(inside, int(rng.integers(10, 60)), constant_values=255)


def ultrasound(rng: np.random.Generator) -> np.ndarray:
    """Speckle in a fan on black, like an ultrasound image."""
    height, width = 420, 560
    y, x = np.mgrid[0:height, 0:width]
    reach, angle = np.hypot(x - width / 2, y + 40), np.arctan2(x - width / 2, y + 40)
    fan = (reach > 80) & (reach < rng.uniform(380, 450)) & (np.abs(angle) < rng.uniform(0.5, 0.8))
    tissue = clouds(rng, height, width, 1.6) / 255.0 * np.exp(-reach / 600)
    speckle = cv2.GaussianBlur(rng.rayleigh(1.0, (height, width)), (0, 0), 1.2)
    return grey_bytes(210 * tissue * speckle * fan)


def ct_slice(rng: np.random.Generator) -> np.ndarray:
    """Axial slice of a body or head: a grey ellipse on black with organs and a spine, or with a ring of bone."""
    side, ground = 420, np.zeros((420, 420))
    head = rng.random() < 0.4
    body = ellipse(ground, side / 2, side / 2, *((130, 165) if head else (185, rng.uniform(115, 150))))
    picture = body * (0.42 + 0.05 * (clouds(rng, side, side, 1.5) / 255.0))
    if head:
        picture = np.maximum(picture, 0.95 * (body - ellipse(ground, side / 2, side / 2, 116, 150)))
        picture -= 0.15 * ellipse(ground, side / 2, side / 2 - 20, 26, 44)
    else:
        for _ in range(int(rng.integers(4, 9))):
            organ = ellipse(ground, *rng.uniform(120, 300, 2), *rng.uniform(15, 55, 2))
            picture += rng.uniform(-0.35, 0.2) * organ * body
        picture = np.maximum(picture, 0.9 * ellipse(ground, side / 2, side / 2 + 70, 20, 17))
    return grained(255 * np.clip(picture, 0, 1), rng, 8)


def ellipse(like: np.ndarray, x: float, y: float, rx: float, ry: float) -> np.ndarray:
    """A filled ellipse in [0, 1], shape of `like`, its edge softened over about two pixels."""
    mask = np.zeros(like.shape, np.uint8)
    cv2.ellipse(mask, (round(x), round(y)), (max(1, round(rx)), max(1, round(ry))), 0, 0, 360, 255, -1, cv2.LINE_AA)
    return cv2.GaussianBlur(mask, (0, 0), 1.5).astype(np.float64) / 255.0


def clouds(rng: np.random.Generator, height: int, width: int, power: float) -> np.ndarray:
    """Noise, uint8 (height, width), whose amplitude falls with frequency to the power `power`."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.standard_normal((height, width))) / frequency**power
    spectrum[0, 0] = 0
    return _grey(np.fft.irfft2(spectrum, (height, width)))


def _grey(field: np.ndarray) -> np.ndarray:
    low, high = np.percentile(field, (0.5, 99.5))
    return grey_bytes(255 * (field - low) / (high - low))


def grained(picture: np.ndarray, rng: np.random.Generator, deviation: float) -> np.ndarray:
    """uint8: the picture with Gaussian noise of `deviation` grey levels."""
    return grey_bytes(picture + deviation * rng.standard_normal(picture.shape))
