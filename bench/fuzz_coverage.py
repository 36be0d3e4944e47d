"""Coverage-guided fuzzing (atheris) of what reads untrusted bytes: inputs that reach new code are kept and damaged further.

PYTHONPATH=.:tests python bench/fuzz_coverage.py [raster] [dicom] [zip] --seconds 60 [--seed 0] [--corpus DIR] [--findings DIR]

raster: JPEG and PNG, decoded as in a child process; dicom: header and pixels; zip: opened, and each member unpacked. The targets
share the seconds. Half of the damage is libFuzzer's own, half knows the format (tests/fuzz). The promises are those of
bench/fuzz_files.py: nothing raised, finite pictures, valid sentences, no name, at most 10 s of processor time and 2 GB of memory.

Coverage is measured in the Python code of this project, pydicom, Pillow and zipfile, not in decoders written in C and Rust.
--corpus keeps useful inputs for the next run. A broken promise ends its target; --findings keeps the input.
Exit code 1 if one was broken.
"""

import argparse
import importlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

COVERED = {  # packages whose coverage guides the fuzzer
    "raster": ["pneumo.imaging", "PIL"],
    "dicom": ["pneumo.imaging", "pydicom", "pylibjpeg", "libjpeg", "openjpeg", "rle"],
    "zip": ["pneumo.imaging", "zipfile"],
}
NOT_COVERED = ["pydicom._dicom_dict", "pydicom._private_dict", "pydicom._uid_dict"]  # only tables
MAX_BYTES = 100_000  # of an input
LIMITS = ("-timeout=300", "-rss_limit_mb=2048")  # wall seconds: generous, because the machine may be busy
_STATE = re.compile(rb"#(\d+)\s+(\w+)\s+cov: (\d+).*?corp: (\d+)")


@dataclass(frozen=True)
class Outcome:
    """Result of one target. `points`: code locations covered by the seeds, and in the end."""

    inputs: int
    points: tuple[int, int]
    corpus_size: int
    broken: str  # end of the log if a promise was broken, else empty


def fuzz(target: str, arguments: list[str]) -> None:
    """Run in a process of its own: atheris never returns."""
    import atheris

    sys.modules.pop("zipfile", None)  # already loaded without instrumentation
    with atheris.instrument_imports(include=COVERED[target], exclude=NOT_COVERED):
        targets = importlib.import_module("fuzz.targets")
    broken = targets.targets()[target].broken

    def once(data: bytes) -> None:
        if problem := broken(data):
            raise AssertionError(f"a promise was broken: {problem}")

    def damage(data: bytes, longest: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < 0.5:
            return bytes(atheris.Mutate(data, longest))
        return targets.change(data, rng)[:longest]

    atheris.Setup([sys.argv[0], *arguments], once, custom_mutator=damage)
    atheris.Fuzz()


def run(target: str, seconds: int, seed: int, corpus: Path, findings: Path) -> Outcome:
    from fuzz.targets import targets

    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    for name, data in targets()[target].seeds.items():
        (corpus / name).write_bytes(data)
    arguments = [
        str(corpus),
        f"-max_total_time={seconds}",
        f"-seed={seed + 1}",
        f"-max_len={MAX_BYTES}",
        *LIMITS,
        f"-artifact_prefix={findings}/{target}-",
    ]
    log_path = findings / f"{target}.log"  # long if decoders print to standard error
    with open(log_path, "wb") as log:
        ended = subprocess.run(
            [sys.executable, __file__, "--inside", target, *arguments],
            stdout=log,
            stderr=log,
            check=False,
            env={**os.environ, "RUST_BACKTRACE": "0", "PYTHONWARNINGS": "ignore"},
        )
    text = log_path.read_bytes()
    states = [(int(number), kind, int(points), int(corpus_size)) for number, kind, points, corpus_size in _STATE.findall(text)]
    if not states:
        raise SystemExit(f"{target}: the fuzzer did not start\n" + text[-2000:].decode(errors="replace"))
    seeded = next((points for _, kind, points, _ in states if kind == b"INITED"), 0)
    number, _, points, corpus_size = states[-1]
    return Outcome(number, (seeded, points), corpus_size, text[-3000:].decode(errors="replace") if ended.returncode else "")


def main(options: argparse.Namespace) -> int:
    failed, chosen = False, options.targets or list(COVERED)
    with tempfile.TemporaryDirectory() as folder:
        corpus, findings = options.corpus or Path(folder) / "corpus", options.findings or Path(folder) / "findings"
        print("| target | inputs | reached by the seeds | in the end | kept | broken |\n|---|---:|---:|---:|---:|---|")
        for target in chosen:
            outcome = run(target, max(1, options.seconds // len(chosen)), options.seed, corpus / target, findings)
            print(
                f"| {target} | {outcome.inputs:,} | {outcome.points[0]:,} | {outcome.points[1]:,} | {outcome.corpus_size:,} "
                f"| {'yes' if outcome.broken else 'no'} |",
                flush=True,
            )
            if outcome.broken:
                failed = True
                print(outcome.broken, file=sys.stderr, flush=True)
        if failed and not options.findings:
            saved = shutil.copytree(findings, Path(tempfile.mkdtemp(prefix="fuzz-")), dirs_exist_ok=True)
            print(f"The inputs are in {saved}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        fuzz(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", choices=[[], *COVERED], help="default: all")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--corpus", type=Path, metavar="DIR")
    parser.add_argument("--findings", type=Path, metavar="DIR")
    sys.exit(main(parser.parse_args()))
