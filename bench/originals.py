"""Do full-size originals get the same answer as their 224 x 224 copies, with and without the JPEG step of `canonical`?

python bench/originals.py ORIGINALS COPIES [MODEL...]     two folders searched for files of the same name
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from pneumo.imaging.decoding.decode import decode_image
from pneumo.imaging.preprocess import CANONICAL_SIDE, canonical
from pneumo.imaging.radiograph import Radiograph
from pneumo.inference.finding import Terms, judge
from pneumo.inference.predictor import Predictor
from pneumo.registry.model_folder import list_models

SIDES = (CANONICAL_SIDE, CANONICAL_SIDE)


def without_jpeg(radiograph: Radiograph) -> np.ndarray:
    image = Image.fromarray(np.ascontiguousarray(radiograph.pixels)).resize(SIDES, Image.Resampling.BILINEAR)
    return np.rint(np.clip(np.asarray(image), 0, 1) * 255).astype(np.uint8)


def compare(model: str, pairs: list[tuple[Radiograph, Radiograph]], bring: Callable[[Radiograph], np.ndarray]) -> str:
    """Differences of probability and logit, original less copy, and how often the verdict agrees."""
    predictor = Predictor.load(model)
    answers = [(predictor.answer(bring(original)), predictor.answer(canonical(copy))) for original, copy in pairs]
    readings = [[judge(answer.log_ratio, predictor.card, Terms()) for answer in both] for both in answers]
    differences = np.abs([original.probability - copy.probability for original, copy in readings])
    logits = np.mean([original.logit - copy.logit for original, copy in answers])
    same = sum(original.verdict == copy.verdict for original, copy in readings)
    return (
        f"{model}, {bring.__name__}: mean difference {differences.mean():.4f}, greatest {differences.max():.4f}, "
        f"mean of the logits {logits:+.2f}, same verdict {same} of {len(pairs)}"
    )


def main(originals: str, copies: str, *models: str) -> None:
    small = {path.name: path for path in Path(copies).rglob("*.jp*g")}
    names = [path for path in sorted(Path(originals).rglob("*.jp*g")) if path.name in small]
    pairs = [(decode_image(path.read_bytes()), decode_image(small[path.name].read_bytes())) for path in names]
    for model in models or list_models():
        for bring in (canonical, without_jpeg):
            print(compare(model, pairs, bring))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
