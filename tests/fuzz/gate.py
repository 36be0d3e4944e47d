"""How many destroyed pictures and pictures of noise the default model answers."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from makers import png_bytes

from pneumo.imaging.decoding.decode import Decoded, Refusal, decode_or_refuse
from pneumo.inference.finding import Opened, answer_file
from pneumo.inference.predictor import Predictor
from pneumo.registry.models import default_model

_ALIKE = 0.5  # correlation with the undamaged picture, below which a damaged one counts as destroyed


def destroyed(after: Decoded, before: Decoded | Refusal | None) -> bool:
    """Whether the picture no longer looks like that of its original file. Turning or inverting does not count as destroying."""
    if not isinstance(before, Decoded):
        return True
    now, then = after.canonical.astype(float), before.canonical.astype(float)
    if now.std() < 1:
        return True
    turned = [np.rot90(now, turns) for turns in range(4)]
    ways = [way for each in turned for way in (each, each[:, ::-1])]
    return max(abs(np.corrcoef(way.ravel(), then.ravel())[0, 1]) for way in ways) < _ALIKE


def light(picture: Decoded) -> Decoded:
    """What a model needs, without the full picture: some mutants have 50 million pixels."""
    return replace(picture, radiograph=replace(picture.radiograph, pixels=np.zeros((1, 1), np.float32), values=None))


def noise_pictures(count: int) -> list[Decoded]:
    """Seeded noise of several grain sizes, decoded from PNGs."""
    pictures = []
    for number in range(count):
        rng = np.random.default_rng([9, number])
        grain = int(rng.choice([1, 2, 5, 20, 60]))
        side = 240 // grain
        cells = rng.integers(0, 256, (side, side)) if number % 2 else rng.normal(128, 40, (side, side)).clip(0, 255)
        decoded = decode_or_refuse(png_bytes(np.kron(cells, np.ones((grain, grain))).astype(np.uint8)))
        assert isinstance(decoded, Decoded)
        pictures.append(decoded)
    return pictures


def put_to_the_model(pictures: Sequence[Decoded], model: str | None = None) -> int:
    """How many pass the gate and get an answer from the model (default: the one that serves)."""
    predictor = Predictor.load(model or default_model(), threads=1)  # several threads are slow on a busy machine
    return sum(answer_file(Opened("", 0.0, picture), predictor).status == "ok" for picture in pictures)
