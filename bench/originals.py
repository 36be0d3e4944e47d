"""Does a full-size original get the answer of its 224 x 224 copy?

python bench/originals.py ORIGINALS COPIES [MODEL...]     two folders searched for files of the same name
"""

import sys
from pathlib import Path

import numpy as np

from pneumo.evaluation.operating_point import BALANCED
from pneumo.inference.finding import judge, read
from pneumo.inference.predictor import Predictor
from pneumo.registry import list_models


def compare(model: str, pairs: list[tuple[Path, Path]]) -> str:
    """Mean and greatest difference of the probability, and how often the label agrees."""
    predictor = Predictor.load(model)
    answers = [[read(path.read_bytes(), predictor).answer.probability for path in pair] for pair in pairs]
    differences = np.abs(np.diff(answers, axis=1))
    labels = [{judge(p, predictor.card, BALANCED).label for p in pair} for pair in answers]
    same = sum(len(found) == 1 for found in labels)
    return f"{model}: mean difference {differences.mean():.4f}, greatest {differences.max():.4f}, same label {same} of {len(pairs)}"


def main(originals: str, copies: str, *models: str) -> None:
    small = {path.name: path for path in Path(copies).rglob("*.jp*g")}
    pairs = [(path, small[path.name]) for path in sorted(Path(originals).rglob("*.jp*g")) if path.name in small]
    for model in models or list_models():
        print(compare(model, pairs))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
