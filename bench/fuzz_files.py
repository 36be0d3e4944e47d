"""Damaged image files through the decoding pool of serving, with its promises checked for each.

PYTHONPATH=.:tests python bench/fuzz_files.py --inputs 20000 --seed 0 [--seconds N] [--first N] [--findings DIR] [--no-gate]

Inputs are made from tests/fuzz/corpus (generated files, no X-ray) by tests/fuzz/mutate.py; input number n of a seed is always the
same. No child process may end, take more than 5 s of processor time or exceed its memory limit. Every picture must be finite and
fit its facts, every refusal must be a sentence, and the patient's name in every seed file must not appear.

Then the gate: pictures no longer similar to their phantom, and pictures of noise, are given to the default model.
Exit code 1 if a promise was broken. --findings keeps such inputs, whole and shortened.
"""

import argparse
import os
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from fuzz.gate import destroyed, light, noise_pictures, put_to_the_model
from fuzz.harness import Result, Watched, broken_promise, run, smaller
from fuzz.mutate import mutant
from fuzz.seeds import read_corpus

from pneumo.imaging.decoding.decode import Decoded

OUTCOMES = ("Decoded", "ImageRejected", "ImageError")
GATED = 300  # destroyed pictures
NOISE = 100


def table(counts: dict[str, Counter[str]]) -> str:
    lines = ["| format | inputs | decoded | rejected | could not be read |", "|---|---:|---:|---:|---:|"]
    for kind, outcomes in sorted(counts.items()):
        lines.append(f"| {kind} | {outcomes.total():,} | " + " | ".join(f"{outcomes[name]:,}" for name in OUTCOMES) + " |")
    return "\n".join(lines)


def keep(result: Result, folder: Path, decoders: Watched) -> None:
    """Write the input, and a shorter one that breaks the same kind of promise."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = result.broken[:12]
    short = smaller(result.data, lambda data: broken_promise(*decoders.watch(data))[:12] == kind)
    for name, data in (("whole", result.data), ("short", short)):
        (folder / f"{result.number}-{name}-{result.name}").write_bytes(data)


def main(options: argparse.Namespace) -> int:
    corpus, decoders = read_corpus(), Watched()
    numbers = range(options.first, options.first + options.inputs)
    inputs = ((*mutant(corpus, options.seed, number)[:1], number, mutant(corpus, options.seed, number)[1]) for number in numbers)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    costs, broken, pictures, refusals = [], [], [], Counter[str]()
    began = time.monotonic()
    undamaged = {name: decoders.decode(data) for name, data in corpus.items()}
    for result in run(inputs, decoders, began + options.seconds):
        counts[result.name.rpartition(".")[2]][result.outcome] += 1
        costs.append((result.cost.seconds, result.cost.processor, result.cost.peak))
        if isinstance(result.found, Decoded):
            if len(pictures) < options.gated and destroyed(result.found, undamaged.get(result.name)):
                pictures.append(light(result.found))
        else:
            refusals[str(result.found)[:60]] += 1
        if result.broken:
            broken.append(result)
            print(f"BROKEN {result.number} {result.name}: {result.broken}", flush=True)
            if options.findings:
                keep(result, options.findings, decoders)
        if len(costs) % 1000 == 0:
            print(f"{len(costs)} inputs in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    seconds, processor, peak = np.array(costs).T
    print(table(counts))
    print(f"\n{len(costs):,} inputs of seed {options.seed} in {time.monotonic() - began:.0f} s; {len(broken)} broke a promise")
    print(
        f"processor time of an input: median {np.median(processor):.2f} s, p99.9 {np.quantile(processor, 0.999):.2f}, "
        f"most {processor.max():.2f}; on the clock: median {np.median(seconds):.3f}, most {seconds.max():.2f} "
        f"(load {os.getloadavg()[0]:.1f})"
    )
    print(f"resident memory of a child: median {np.median(peak) / 2**20:.0f} MB, most {peak.max() / 2**20:.0f} MB")
    print(f"{len(refusals)} kinds of refusal")
    for text, count in refusals.most_common(options.refusals):
        print(f"  {count:6,} {text}")
    decoders.close()
    if options.gated:
        print(
            f"\nput to the default model: {put_to_the_model(pictures)} of {len(pictures)} destroyed pictures were answered, "
            f"{put_to_the_model(noise_pictures(NOISE))} of {NOISE} pictures of noise"
        )
    return bool(broken)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first input, to repeat one")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="start no inputs after this time")
    parser.add_argument("--findings", type=Path, metavar="DIR")
    parser.add_argument("--refusals", type=int, default=12, help="number of messages to list")
    parser.add_argument("--no-gate", dest="gated", action="store_const", const=0, default=GATED)
    sys.exit(main(parser.parse_args()))
