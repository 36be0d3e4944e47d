"""One X-ray with everything loaded: time of each stage, against a naive Keras loop. Medians, the contenders in turn.

python bench/one_image.py FILE... [--rounds 10] [--model ID]      FILE: full-size originals, JPEG or PNG

From the file's bytes to probability and an overlay of at most 2048 pixels. Stages:
decode      JPEG to float32, in this process
preprocess  to the canonical 224 x 224 (antialiased, JPEG step)
process     overhead of decoding in a process of its own
network     logit and map; also of the mirror image if the model is mirrored
gate        checks that it is a chest X-ray
overlay     heatmap over the picture
"""

import argparse
import itertools
import os
import statistics
import time
from collections import defaultdict
from pathlib import Path

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "2", "ORT_DISABLE_TELEMETRY": "1"}

import onnxruntime
from naive import Naive

from pneumo.cli.predict import overlay_of
from pneumo.imaging.decoding.decode import decode_image
from pneumo.imaging.decoding.pool import shared_pool
from pneumo.imaging.preprocess import canonical
from pneumo.inference.finding import answer_file, open_file
from pneumo.inference.gate import check
from pneumo.inference.predictor import Predictor


def ours(path: Path, predictor: Predictor) -> None:
    finding = answer_file(open_file(path.read_bytes()), predictor)
    overlay_of(finding.radiograph.pixels, finding.answer.heatmap)


def stages(path: Path, predictor: Predictor) -> dict[str, float]:
    data = path.read_bytes()
    marks = [time.perf_counter()]

    def mark() -> None:
        marks.append(time.perf_counter())

    radiograph = decode_image(data)
    mark()
    image = canonical(radiograph)
    mark()
    shared_pool().decode(data)
    mark()
    answer = predictor.answer(image)
    mark()
    check(radiograph.facts, image, answer.features, predictor.reference)
    mark()
    overlay_of(radiograph.pixels, answer.heatmap)
    mark()
    decoding, preprocessing, there, network, gate, overlay = (b - a for a, b in itertools.pairwise(marks))
    return {
        "decode": decoding,
        "preprocess": preprocessing,
        "process": there - decoding - preprocessing,
        "network": network,
        "gate": gate,
        "overlay": overlay,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--model", default="resnet50")
    options = parser.parse_args()
    predictor, naive = Predictor.load(options.model), Naive()
    totals, parts = defaultdict(list), defaultdict(list)
    for number in range(options.rounds + 1):
        for path in options.files:
            for name, contender in (("pneumo", lambda p: ours(p, predictor)), ("naive", naive.answer)):
                began = time.perf_counter()
                contender(path)
                if number:  # the first round warms everything
                    totals[name].append(time.perf_counter() - began)
            if number:
                for name, seconds in stages(path, predictor).items():
                    parts[name].append(seconds)
    print(f"onnxruntime {onnxruntime.__version__}, {len(options.files)} files, {options.rounds} rounds; medians, ms")
    medians = {name: statistics.median(values) * 1e3 for name, values in (totals | parts).items()}
    whole = sum(medians[name] for name in parts)
    print("\n| what | ms | share |\n|---|---:|---:|")
    for name in parts:
        print(f"| {name} | {medians[name]:.1f} | {medians[name] / whole:.0%} |")
    print(f"| pneumo, whole | {medians['pneumo']:.1f} | |\n| naive, whole | {medians['naive']:.1f} | |")
    print(f"| naive / pneumo | {medians['naive'] / medians['pneumo']:.1f} | |")


if __name__ == "__main__":
    main()
