"""Drawn pictures that are no chest X-ray: papers, charts, screens, noise, and other parts of the body as a radiograph shows them.

Every function takes a generator and returns one picture, uint8 (h, w) or (h, w, 3). They stand for what is dropped by mistake.
"""

from itertools import pairwise

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

_WORDS = (
    "the child", "was seen", "with cough", "and fever", "three days", "chest clear", "on the right", "no effusion", "heart size",
    "follow up", "in two weeks", "report", "signed", "page", "total", "name", "date", "ward", "result", "range",
)  # fmt: skip


def paper(rng: np.random.Generator) -> np.ndarray:
    """A printed page as a scanner gives it: dark text on light, a little skew, grain."""
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
    return _grained(np.asarray(image.rotate(rng.normal(0, 1.5), fillcolor=230)), rng, 4)


def handwriting(rng: np.random.Generator) -> np.ndarray:
    """Strokes of a pen on paper."""
    image = np.full((int(rng.integers(300, 600)), int(rng.integers(300, 600))), rng.integers(200, 256), np.uint8)
    for y in range(30, image.shape[0] - 20, int(rng.integers(28, 45))):
        x = np.arange(20, image.shape[1] - 20, 4)
        wave = np.cumsum(rng.normal(0, 3, len(x)))
        wave = y + 9 * np.sin(x / rng.uniform(4, 8)) * rng.random(len(x)) + (wave - wave.mean()) * 0.2
        cv2.polylines(image, [np.column_stack([x, wave]).astype(np.int32)], False, int(rng.integers(0, 90)), 2, cv2.LINE_AA)
    return _grained(image, rng, 5)


def chart(rng: np.random.Generator) -> np.ndarray:
    """Lines or bars on white, with axes; coloured."""
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
    """A program's window: bars, panels, lines of text; light or dark."""
    dark = rng.random() < 0.5
    ground, panel, ink = (18, 34, 220) if dark else (250, 232, 30)
    image = Image.new("L", (int(rng.integers(640, 1000)), int(rng.integers(420, 700))), ground)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    pen.rectangle((0, 0, image.width, 40), fill=panel)
    pen.rectangle((0, 40, int(rng.integers(120, 260)), image.height), fill=panel)
    for _ in range(int(rng.integers(4, 12))):
        x, y = rng.integers(0, image.width - 120), rng.integers(40, image.height - 60)
        pen.rounded_rectangle((x, y, x + rng.integers(60, 400), y + rng.integers(24, 200)), 6, fill=int(rng.integers(0, 256)))
    for _ in range(30):
        place = (int(rng.integers(0, image.width - 100)), int(rng.integers(0, image.height - 20)))
        pen.text(place, " ".join(rng.choice(_WORDS, 4)), fill=ink, font=font)
    return np.asarray(image)


def noise(rng: np.random.Generator) -> np.ndarray:
    """Noise whose amplitude falls with frequency to a power from 0 (white) to 2.5 (clouds)."""
    return _clouds(rng, int(rng.integers(200, 500)), int(rng.integers(200, 500)), rng.uniform(0, 2.5))


def gradient(rng: np.random.Generator) -> np.ndarray:
    """Grey that runs from one side, or from a middle, evenly."""
    y, x = np.mgrid[-1:1:300j, -1:1:360j]
    turn = rng.uniform(0, 2 * np.pi)
    field = np.hypot(x - rng.uniform(-1, 1), y - rng.uniform(-1, 1)) if rng.random() < 0.5 else x * np.cos(turn) + y * np.sin(turn)
    return _grained(_grey(field * rng.choice([-1, 1])), rng, rng.uniform(0, 6))


def flat(rng: np.random.Generator) -> np.ndarray:
    """An exposure of nothing: one grey with grain, dust and a darker rim."""
    y, x = np.mgrid[-1:1:320j, -1:1:320j]
    return _grained(rng.uniform(30, 225) - rng.uniform(0, 40) * (x**2 + y**2), rng, rng.uniform(2, 10))


def shapes(rng: np.random.Generator) -> np.ndarray:
    """Discs, boxes and polygons of many greys."""
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
    """Black and white squares or bars, as a QR code or a bar code has."""
    cells = rng.random((1 if rng.random() < 0.4 else 29, 29 if rng.random() < 0.5 else 60)) < 0.5
    inside = cv2.resize(cells.astype(np.uint8) * 255, (400, 400), interpolation=cv2.INTER_NEAREST)
    return np.pad(inside, int(rng.integers(10, 60)), constant_values=255)


def ultrasound(rng: np.random.Generator) -> np.ndarray:
    """Speckle in a fan on black."""
    height, width = 420, 560
    y, x = np.mgrid[0:height, 0:width]
    reach, angle = np.hypot(x - width / 2, y + 40), np.arctan2(x - width / 2, y + 40)
    fan = (reach > 80) & (reach < rng.uniform(380, 450)) & (np.abs(angle) < rng.uniform(0.5, 0.8))
    tissue = _clouds(rng, height, width, 1.6) / 255.0 * np.exp(-reach / 600)
    speckle = cv2.GaussianBlur(rng.rayleigh(1.0, (height, width)), (0, 0), 1.2)
    return _bytes(210 * tissue * speckle * fan)


def ct_slice(rng: np.random.Generator) -> np.ndarray:
    """A body or a head cut across: a bright or grey ellipse on black, with organs, a ring of bone or a spine."""
    side, ground = 420, np.zeros((420, 420))
    head = rng.random() < 0.4
    body = _ellipse(ground, side / 2, side / 2, *((130, 165) if head else (185, rng.uniform(115, 150))))
    picture = body * (0.42 + 0.05 * (_clouds(rng, side, side, 1.5) / 255.0))
    if head:
        picture = np.maximum(picture, 0.95 * (body - _ellipse(ground, side / 2, side / 2, 116, 150)))
        picture -= 0.15 * _ellipse(ground, side / 2, side / 2 - 20, 26, 44)
    else:
        for _ in range(int(rng.integers(4, 9))):
            organ = _ellipse(ground, *rng.uniform(120, 300, 2), *rng.uniform(15, 55, 2))
            picture += rng.uniform(-0.35, 0.2) * organ * body
        picture = np.maximum(picture, 0.9 * _ellipse(ground, side / 2, side / 2 + 70, 20, 17))
    return _grained(255 * np.clip(picture, 0, 1), rng, 8)


def limb(rng: np.random.Generator) -> np.ndarray:
    """Radiograph of an arm or a leg: one or two long bones with a joint, soft tissue around them."""
    height, width = int(rng.integers(380, 620)), int(rng.integers(240, 420))
    middle, lean = width / 2, rng.normal(0, 0.08)

    def line(x: float, y: float) -> tuple[float, float]:
        return middle + x * width + lean * (y - 0.5) * height, y * height

    soft = _tube((height, width), [line(0, -0.2), line(0, 1.2)], rng.uniform(0.55, 0.8) * width)
    joint, bones = rng.uniform(0.35, 0.65), rng.integers(1, 3)
    thick = rng.uniform(0.13, 0.2) * width
    film = 0.5 * soft + _bone(soft.shape, [line(0, -0.2), line(0, joint - 0.03)], thick * 1.3)
    for side in (-0.5, 0.5) if bones == 2 else (0,):
        film += _bone(soft.shape, [line(0.18 * side, joint + 0.03), line(0.28 * side, 1.2)], thick * (0.8 if side else 1.2))
    film += 0.4 * _ellipse(soft, *line(0, joint - 0.05), thick * 1.1, thick * 0.6)
    film += 0.35 * _ellipse(soft, *line(0, joint + 0.05), thick * 1.1, thick * 0.5)
    return _film(film, rng)


def hand(rng: np.random.Generator) -> np.ndarray:
    """Radiograph of a hand: wrist, palm and five rays of small bones."""
    size, wrist = (int(rng.integers(420, 560)), int(rng.integers(340, 440))), np.array([0.5, 0.82])

    def point(place) -> tuple[float, float]:
        return place[0] * size[1], place[1] * size[0]

    film = 0.45 * _tube(size, [point((0.5, 0.7)), point((0.5, 1.3))], 0.34 * size[1])
    film = np.maximum(film, 0.45 * _ellipse(film, *point((0.5, 0.64)), 0.26 * size[1], 0.2 * size[0]))
    for number, angle in enumerate(np.linspace(-0.75, 0.5, 5) + rng.normal(0, 0.04, 5)):
        along = np.array([np.sin(angle), -np.cos(angle)])
        joints = wrist + np.outer([0.1, 0.32, 0.47, 0.58, 0.66], along) * (0.8 if number in (0, 4) else 1.0)
        film = np.maximum(film, 0.4 * _tube(size, [point(joints[1]), point(joints[-1])], 0.11 * size[1]))
        for start, end in pairwise(joints):
            film += 0.8 * _bone(size, [point(start * 0.96 + end * 0.04), point(start * 0.1 + end * 0.9)], 0.055 * size[1])
    for side in (-0.06, 0.08):
        film += _bone(size, [point((0.5 + side, 0.86)), point((0.5 + side, 1.3))], 0.12 * size[1])
    for _ in range(8):
        film += 0.35 * _ellipse(film, *point(wrist + rng.normal(0, 0.035, 2)), 0.035 * size[1], 0.03 * size[0])
    return _film(film, rng)


def skull(rng: np.random.Generator) -> np.ndarray:
    """Radiograph of a head: a vault brighter at its rim, face, jaw and neck."""
    size = (int(rng.integers(400, 520)), int(rng.integers(380, 520)))
    x, y, wide, tall = size[1] * rng.uniform(0.45, 0.55), size[0] * 0.42, size[1] * 0.38, size[0] * 0.34
    blank = np.zeros(size)
    film = 0.5 * _ellipse(blank, x, y, wide * 1.05, tall * 1.06) + 0.55 * _ellipse(blank, x, y, wide, tall)
    film -= 0.4 * _ellipse(blank, x, y, wide * 0.93, tall * 0.92)
    film += 0.45 * _ellipse(blank, x - wide * 0.3, y + tall * 0.9, wide * 0.5, tall * 0.5)
    for side in (-0.45, 0.1):
        film -= 0.3 * _ellipse(blank, x + side * wide, y + tall * 0.55, wide * 0.2, tall * 0.17)
    for tooth in np.linspace(-0.5, 0.1, 8):
        film += 0.4 * _ellipse(blank, x + tooth * wide, y + tall * 1.15, wide * 0.03, tall * 0.1)
    film += 0.45 * _tube(size, [(x, y + tall), (x + wide * 0.1, size[0] * 1.2)], wide * 0.7)
    return _film(film, rng)


def abdomen(rng: np.random.Generator) -> np.ndarray:
    """Radiograph of belly and pelvis: a spine, iliac wings, gas in the bowel."""
    size = (int(rng.integers(420, 560)), int(rng.integers(360, 480)))
    middle, blank = size[1] / 2, np.zeros(size)
    film = 0.75 * _tube(size, [(middle, -0.3 * size[0]), (middle, 1.3 * size[0])], 0.92 * size[1])
    for y in np.arange(-0.05, 0.62, 0.085):
        film += 0.28 * _ellipse(blank, middle, y * size[0], 0.065 * size[1], 0.034 * size[0])
    for side in (-1, 1):
        wing = _ellipse(blank, middle + side * 0.25 * size[1], 0.66 * size[0], 0.16 * size[1], 0.12 * size[0])
        hollow = _ellipse(blank, middle + side * 0.13 * size[1], 0.76 * size[0], 0.1 * size[1], 0.1 * size[0])
        film += 0.25 * np.clip(wing - hollow, 0, 1)
        film += 0.35 * _ellipse(blank, middle + side * 0.3 * size[1], 0.86 * size[0], 0.06 * size[1], 0.05 * size[0])
        film += 0.6 * _bone(size, [(middle + side * 0.32 * size[1], 0.88 * size[0]),
                                   (middle + side * 0.34 * size[1], 1.3 * size[0])], 0.1 * size[1])  # fmt: skip
    for _ in range(int(rng.integers(6, 18))):
        gas = (middle + rng.normal(0, 0.2) * size[1], rng.uniform(0.08, 0.6) * size[0])
        film -= rng.uniform(0.1, 0.25) * _ellipse(blank, *gas, *rng.uniform(0.02, 0.07, 2) * size[1])
    return _film(film, rng)


def breast(rng: np.random.Generator) -> np.ndarray:
    """A mammogram: half an ellipse with strands, black beside it."""
    size = (int(rng.integers(440, 560)), int(rng.integers(320, 440)))
    edge = _ellipse(np.zeros(size), 0, size[0] * rng.uniform(0.4, 0.6), size[1] * rng.uniform(0.5, 0.85), size[0] * 0.4)
    strands = _clouds(rng, *size, 1.4) / 255.0
    picture = cv2.GaussianBlur(edge, (0, 0), 6) * (60 + 170 * strands**2)
    return _grained(picture[:, ::-1] if rng.random() < 0.5 else picture, rng, 3)


def teeth(rng: np.random.Generator) -> np.ndarray:
    """A panoramic film of the jaws: two rows of bright teeth on a bow, about twice as wide as high."""
    size = (int(rng.integers(260, 340)), int(rng.integers(520, 680)))
    film = 0.35 * _clouds(rng, *size, 1.8) / 255.0
    x = np.linspace(0.14, 0.86, 15)
    bow = 0.5 + 0.22 * (1 - ((x - 0.5) / 0.36) ** 2) - 0.1
    film += 0.35 * _tube(size, [(a * size[1], (b + 0.25) * size[0]) for a, b in zip(x, bow, strict=True)], 0.22 * size[0])
    for row in (-0.1, 0.1):
        for a, b in zip(x, bow, strict=True):
            film += 0.5 * _ellipse(film, a * size[1], (b + row) * size[0], 0.018 * size[1], rng.uniform(0.08, 0.1) * size[0])
    return _film(film, rng)


def _bone(size: tuple[int, int], path: list[tuple[float, float]], width: float) -> np.ndarray:
    """A tube whose wall is brighter than its marrow."""
    return 0.75 * _tube(size, path, width) - 0.4 * _tube(size, path, width * 0.62)


def _tube(size: tuple[int, int], path: list[tuple[float, float]], width: float) -> np.ndarray:
    """Thickness in [0, 1] of a round rod along `path` (x, y): what a beam across it meets."""
    off = np.full(size, 255, np.uint8)
    cv2.polylines(off, [np.rint(path).astype(np.int32)], False, 0, 1)
    distance = cv2.distanceTransform(off, cv2.DIST_L2, 5) / max(width / 2, 1)
    return np.sqrt(np.clip(1 - distance**2, 0, 1)).astype(np.float64)


def _ellipse(like: np.ndarray, x: float, y: float, rx: float, ry: float) -> np.ndarray:
    """Filled, edge softened over about two pixels, in [0, 1]."""
    mask = np.zeros(like.shape, np.uint8)
    cv2.ellipse(mask, (round(x), round(y)), (max(1, round(rx)), max(1, round(ry))), 0, 0, 360, 255, -1, cv2.LINE_AA)
    return cv2.GaussianBlur(mask, (0, 0), 1.5).astype(np.float64) / 255.0


def _film(attenuation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A display curve with any gain, the unevenness of tissue, grain."""
    tissue = 0.85 + 0.3 * _clouds(rng, *attenuation.shape, 1.6) / 255.0
    shown = 1 - np.exp(-rng.uniform(1.2, 2.4) * np.clip(attenuation, 0, None) * tissue)
    return _grained(255 * shown / max(shown.max(), 1e-6), rng, rng.uniform(1, 6))


def _clouds(rng: np.random.Generator, height: int, width: int, power: float) -> np.ndarray:
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.standard_normal((height, width))) / frequency**power
    spectrum[0, 0] = 0
    return _grey(np.fft.irfft2(spectrum, (height, width)))


def _grey(field: np.ndarray) -> np.ndarray:
    low, high = np.percentile(field, (0.5, 99.5))
    return _bytes(255 * (field - low) / (high - low))


def _grained(picture: np.ndarray, rng: np.random.Generator, deviation: float) -> np.ndarray:
    return _bytes(picture + deviation * rng.standard_normal(picture.shape))


def _bytes(picture: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8)
