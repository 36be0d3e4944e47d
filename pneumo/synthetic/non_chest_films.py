"""Drawn radiographs of other body parts, the files that a hospital is most likely to upload by mistake.

Every function takes a random generator and returns one picture, uint8 (h, w).
"""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from pneumo.synthetic.non_chest_drawn import clouds, ellipse, grained


def limb(rng: np.random.Generator) -> np.ndarray:
    """Arm or leg: one or two long bones with a joint, surrounded by soft tissue."""
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
    film += 0.4 * ellipse(soft, *line(0, joint - 0.05), thick * 1.1, thick * 0.6)
    film += 0.35 * ellipse(soft, *line(0, joint + 0.05), thick * 1.1, thick * 0.5)
    return _film(film, rng)


def hand(rng: np.random.Generator) -> np.ndarray:
    """Hand: wrist, palm and five rays of small bones."""
    size, wrist = (int(rng.integers(420, 560)), int(rng.integers(340, 440))), np.array([0.5, 0.82])

    def point(place: Sequence[float] | np.ndarray) -> tuple[float, float]:
        return place[0] * size[1], place[1] * size[0]

    film = 0.45 * _tube(size, [point((0.5, 0.7)), point((0.5, 1.3))], 0.34 * size[1])
    film = np.maximum(film, 0.45 * ellipse(film, *point((0.5, 0.64)), 0.26 * size[1], 0.2 * size[0]))
    for number, angle in enumerate(np.linspace(-0.75, 0.5, 5) + rng.normal(0, 0.04, 5)):
        along = np.array([np.sin(angle), -np.cos(angle)])
        joints = wrist + np.outer([0.1, 0.32, 0.47, 0.58, 0.66], along) * (0.8 if number in (0, 4) else 1.0)
        film = np.maximum(film, 0.4 * _tube(size, [point(joints[1]), point(joints[-1])], 0.11 * size[1]))
        for start, end in pairwise(joints):
            film += 0.8 * _bone(size, [point(start * 0.96 + end * 0.04), point(start * 0.1 + end * 0.9)], 0.055 * size[1])
    for side in (-0.06, 0.08):
        film += _bone(size, [point((0.5 + side, 0.86)), point((0.5 + side, 1.3))], 0.12 * size[1])
    for _ in range(8):
        film += 0.35 * ellipse(film, *point(wrist + rng.normal(0, 0.035, 2)), 0.035 * size[1], 0.03 * size[0])
    return _film(film, rng)


def skull(rng: np.random.Generator) -> np.ndarray:
    """Head: a cranial vault with a brighter rim, face, jaw and neck."""
    size = (int(rng.integers(400, 520)), int(rng.integers(380, 520)))
    x, y, wide, tall = size[1] * rng.uniform(0.45, 0.55), size[0] * 0.42, size[1] * 0.38, size[0] * 0.34
    blank = np.zeros(size)
    film = 0.5 * ellipse(blank, x, y, wide * 1.05, tall * 1.06) + 0.55 * ellipse(blank, x, y, wide, tall)
    film -= 0.4 * ellipse(blank, x, y, wide * 0.93, tall * 0.92)
    film += 0.45 * ellipse(blank, x - wide * 0.3, y + tall * 0.9, wide * 0.5, tall * 0.5)
    for side in (-0.45, 0.1):
        film -= 0.3 * ellipse(blank, x + side * wide, y + tall * 0.55, wide * 0.2, tall * 0.17)
    for tooth in np.linspace(-0.5, 0.1, 8):
        film += 0.4 * ellipse(blank, x + tooth * wide, y + tall * 1.15, wide * 0.03, tall * 0.1)
    film += 0.45 * _tube(size, [(x, y + tall), (x + wide * 0.1, size[0] * 1.2)], wide * 0.7)
    return _film(film, rng)


def abdomen(rng: np.random.Generator) -> np.ndarray:
    """Abdomen and pelvis: spine, iliac wings, bowel gas."""
    size = (int(rng.integers(420, 560)), int(rng.integers(360, 480)))
    middle, blank = size[1] / 2, np.zeros(size)
    film = 0.75 * _tube(size, [(middle, -0.3 * size[0]), (middle, 1.3 * size[0])], 0.92 * size[1])
    for y in np.arange(-0.05, 0.62, 0.085):
        film += 0.28 * ellipse(blank, middle, y * size[0], 0.065 * size[1], 0.034 * size[0])
    for side in (-1, 1):
        wing = ellipse(blank, middle + side * 0.25 * size[1], 0.66 * size[0], 0.16 * size[1], 0.12 * size[0])
        hollow = ellipse(blank, middle + side * 0.13 * size[1], 0.76 * size[0], 0.1 * size[1], 0.1 * size[0])
        film += 0.25 * np.clip(wing - hollow, 0, 1)
        film += 0.35 * ellipse(blank, middle + side * 0.3 * size[1], 0.86 * size[0], 0.06 * size[1], 0.05 * size[0])
        hip, knee = (middle + side * 0.32 * size[1], 0.88 * size[0]), (middle + side * 0.34 * size[1], 1.3 * size[0])
        film += 0.6 * _bone(size, [hip, knee], 0.1 * size[1])
    for _ in range(int(rng.integers(6, 18))):
        gas = (middle + rng.normal(0, 0.2) * size[1], rng.uniform(0.08, 0.6) * size[0])
        film -= rng.uniform(0.1, 0.25) * ellipse(blank, *gas, *rng.uniform(0.02, 0.07, 2) * size[1])
    return _film(film, rng)


def breast(rng: np.random.Generator) -> np.ndarray:
    """Mammogram: half an ellipse with strands of tissue, on black."""
    size = (int(rng.integers(440, 560)), int(rng.integers(320, 440)))
    edge = ellipse(np.zeros(size), 0, size[0] * rng.uniform(0.4, 0.6), size[1] * rng.uniform(0.5, 0.85), size[0] * 0.4)
    strands = clouds(rng, *size, 1.4) / 255.0
    picture = cv2.GaussianBlur(edge, (0, 0), 6) * (60 + 170 * strands**2)
    return grained(picture[:, ::-1] if rng.random() < 0.5 else picture, rng, 3)


def teeth(rng: np.random.Generator) -> np.ndarray:
    """Panoramic radiograph of the jaws: two curved rows of bright teeth; about twice as wide as high."""
    size = (int(rng.integers(260, 340)), int(rng.integers(520, 680)))
    film = 0.35 * clouds(rng, *size, 1.8) / 255.0
    x = np.linspace(0.14, 0.86, 15)
    bow = 0.5 + 0.22 * (1 - ((x - 0.5) / 0.36) ** 2) - 0.1
    film += 0.35 * _tube(size, [(a * size[1], (b + 0.25) * size[0]) for a, b in zip(x, bow, strict=True)], 0.22 * size[0])
    for row in (-0.1, 0.1):
        for a, b in zip(x, bow, strict=True):
            film += 0.5 * ellipse(film, a * size[1], (b + row) * size[0], 0.018 * size[1], rng.uniform(0.08, 0.1) * size[0])
    return _film(film, rng)


def foot(rng: np.random.Generator) -> np.ndarray:
    """Foot from above: heel and tarsus at the bottom, five parallel metatarsals, toes of two or three short bones."""
    size, lean = (int(rng.integers(440, 600)), int(rng.integers(280, 380))), rng.choice((-1, 1)) * rng.uniform(0.03, 0.1)

    def point(x: float, y: float) -> tuple[float, float]:
        return (0.5 + x + lean * (0.6 - y)) * size[1], y * size[0]

    film = 0.45 * _tube(size, [point(0, 0.3), point(0, 0.95)], 0.62 * size[1])
    film += 0.5 * ellipse(film, *point(0, 0.88), 0.14 * size[1], 0.09 * size[0])
    for _ in range(6):
        film += 0.4 * ellipse(film, *point(rng.uniform(-0.17, 0.17), rng.uniform(0.66, 0.78)), 0.08 * size[1], 0.045 * size[0])
    for number, x in enumerate(np.linspace(-0.24, 0.24, 5)):
        thick, base = (0.075 if number == 0 else 0.05) * size[1], 0.36 + 0.035 * number
        film += 0.8 * _bone(size, [point(0.75 * x, 0.64), point(x, base)], thick)
        film = np.maximum(film, 0.4 * _tube(size, [point(x, base), point(1.1 * x, base - 0.17)], 0.13 * size[1]))
        for start, end in ((0.01, 0.09), (0.1, 0.14), (0.15, 0.18))[: 2 if number == 0 else 3]:
            film += 0.7 * _bone(size, [point(1.05 * x, base - start), point(1.1 * x, base - end)], 0.9 * thick)
    return _film(film, rng)


def side_spine(rng: np.random.Generator) -> np.ndarray:
    """Lateral spine: a curved row of vertebral bodies with gaps, and thin processes behind them."""
    size, bend = (int(rng.integers(460, 620)), int(rng.integers(260, 380))), rng.uniform(0.03, 0.09) * rng.choice((-1, 1))
    count, back = int(rng.integers(6, 11)), rng.choice((-1, 1))
    film = 0.6 * _tube(size, [(0.5 * size[1], -0.4 * size[0]), (0.5 * size[1], 1.4 * size[0])], rng.uniform(0.85, 1.3) * size[1])
    pitch = 1.1 / count
    for number in range(count + 1):
        y = (number - 0.3) * pitch
        x, half = 0.5 + bend * np.sin(2 * np.pi * (y + 0.1)), (0.075 + 0.05 * y) * size[1]
        tilt = float(np.degrees(np.arctan(2 * np.pi * bend * np.cos(2 * np.pi * (y + 0.1)) * size[1] / size[0])))
        block = cv2.boxPoints(((x * size[1], y * size[0]), (2 * half, 0.78 * pitch * size[0]), -tilt))
        film += 0.5 * _block(size, block) - 0.2 * _block(size, block.mean(axis=0) + 0.8 * (block - block.mean(axis=0)))
        start = (x * size[1] + back * 1.6 * half, y * size[0])
        film += 0.3 * _tube(size, [start, (start[0] + back * 1.4 * half, start[1] + 0.5 * pitch * size[0])], 0.5 * half)
    return _film(film, rng)


def no_part(rng: np.random.Generator) -> np.ndarray:
    """No particular body part: soft tissue, bones, dense and airy areas at random places; half of the films are symmetric."""
    size = (int(rng.integers(300, 600)), int(rng.integers(300, 600)))

    def place() -> tuple[float, float]:
        return float(rng.uniform(-0.1, 1.1) * size[1]), float(rng.uniform(-0.1, 1.1) * size[0])

    film = np.zeros(size)
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.5:
            soft = _tube(size, [place(), place()], rng.uniform(0.3, 1.4) * size[1])
        else:
            soft = ellipse(film, *place(), rng.uniform(0.15, 0.9) * size[1], rng.uniform(0.15, 0.9) * size[0])
        film = np.maximum(film, rng.uniform(0.3, 0.8) * soft)
    for _ in range(int(rng.integers(0, 9))):
        film += rng.uniform(0.3, 1.0) * _bone(size, [place(), place()], rng.uniform(0.03, 0.16) * size[1])
    for _ in range(int(rng.integers(0, 13))):
        film += rng.uniform(-0.35, 0.5) * ellipse(film, *place(), *rng.uniform(0.02, 0.2, 2) * size[1])
    if rng.random() < 0.5:  # a shell, like a skull or a pelvis
        (x, y), (wide, tall) = place(), rng.uniform(0.15, 0.45, 2) * size[1]
        film += 0.6 * ellipse(film, x, y, wide, tall) - 0.5 * ellipse(film, x, y, 0.9 * wide, 0.9 * tall)
    if rng.random() < 0.5:  # symmetric, like a body
        film = np.maximum(film, film[:, ::-1])
    return _film(film, rng)


def _bone(size: tuple[int, int], path: list[tuple[float, float]], width: float) -> np.ndarray:
    """A bone along `path` (x, y): a tube whose wall is brighter than its marrow."""
    return 0.75 * _tube(size, path, width) - 0.4 * _tube(size, path, width * 0.62)


def _tube(size: tuple[int, int], path: list[tuple[float, float]], width: float) -> np.ndarray:
    """Thickness in [0, 1], seen by the beam, of a round rod along `path` (x, y)."""
    off = np.full(size, 255, np.uint8)
    cv2.polylines(off, [np.rint(path).astype(np.int32)], False, 0, 1)
    distance = cv2.distanceTransform(off, cv2.DIST_L2, 5) / max(width / 2, 1)
    return np.asarray(np.sqrt(np.clip(1 - np.minimum(distance, 2) ** 2, 0, 1)), np.float64)


def _block(size: tuple[int, int], corners: np.ndarray) -> np.ndarray:
    """A filled polygon in [0, 1] with a softened edge."""
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], 255, cv2.LINE_AA)
    return cv2.GaussianBlur(mask, (0, 0), 1.5).astype(np.float64) / 255.0


def _film(attenuation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Attenuation -> uint8 film: uneven tissue, a display curve of random gain, noise."""
    height, width = attenuation.shape
    tissue = 0.85 + 0.3 * clouds(rng, height, width, 1.6) / 255.0
    shown = 1 - np.exp(-rng.uniform(1.2, 2.4) * np.clip(attenuation, 0, None) * tissue)
    return grained(255 * shown / max(shown.max(), 1e-6), rng, rng.uniform(1, 6))
