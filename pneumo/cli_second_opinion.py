"""`python -m pneumo second-opinion`: what speaks for or against the answer on one X-ray, as JSON."""

import argparse
import dataclasses
import json
import math
import sys
from pathlib import Path

from pneumo.errors import DataError, ModelError
from pneumo.evaluation.operating_point import BALANCED


def add_second_opinion(commands) -> None:
    """The command's parser, among those of `pneumo.cli`."""
    opinion = commands.add_parser("second-opinion", help="what speaks for or against the answer on one X-ray, as JSON")
    opinion.add_argument("file", type=Path, metavar="FILE")
    opinion.add_argument("--model", help="default: the best model of the registry")
    opinion.add_argument("--operating-point", default=BALANCED, help="balanced (default), rule-out or rule-in")
    opinion.set_defaults(run=lambda options, _: run_second_opinion(options))


def run_second_opinion(options: argparse.Namespace) -> int:
    """Exit code 0 with one JSON object on standard output; 1, and none, when there is no answer."""
    from pneumo.inference.batch import read_files
    from pneumo.inference.finding import judge
    from pneumo.inference.lung_checks import load_finder, lungs_of
    from pneumo.inference.predictor import Predictor
    from pneumo.inference.second_opinion import SMALL_CHANGES, second_opinion
    from pneumo.registry import default_model
    from pneumo.reporting import second_opinion_words as words

    predictor = Predictor.load(options.model or default_model())
    judge(0.5, predictor.card, options.operating_point)  # an unknown operating point is wrong usage, told before any work
    findings = [finding for _, finding in read_files([str(options.file)], predictor)]
    if len(findings) != 1:
        raise DataError(f"{options.file} holds {len(findings)} X-rays; expected one. Unpack it and give one file.")
    (finding,) = findings
    if finding.answer is None:
        what = "not answered" if finding.status == "rejected" else "not read"
        print(f"{options.file}: {what}, so there is no second opinion. {'; '.join(finding.reasons)}", file=sys.stderr)
        return 1
    image, answer = finding.canonical, finding.answer
    reading = judge(answer.probability, predictor.card, options.operating_point)
    lungs = lungs_of(image, load_finder())
    opinion = second_opinion(image, predictor, answer, lungs)
    votes = _votes(image, predictor, answer.probability, options.operating_point)
    changes = [name for name, _ in SMALL_CHANGES]
    found = {
        "file": str(options.file), "sha256": finding.sha256, "model": finding.model, "model_sha256": finding.model_sha256,
        **dataclasses.asdict(reading), "probability": answer.probability,
        "warnings": [*finding.warnings, *words.warnings(opinion, votes, reading)],
        "sentences": dict(words.rows(opinion, votes, reading, lungs.by_atlas, words.usual_when_hidden(finding.model))),
        "small_changes": {"lowest": opinion.stability.lowest, "highest": opinion.stability.highest,
                          "other_label": opinion.stability.turned(reading.threshold),
                          "probabilities": dict(zip(changes, opinion.stability.changed, strict=True))},
        "lungs_hidden": {"probability": opinion.occlusion.hidden, "reason": opinion.occlusion.reason},
        "heat": dataclasses.asdict(opinion.heat),
        "lungs_by": None if lungs.mask is None else "atlas" if lungs.by_atlas else "segmenter",
        "models": [dataclasses.asdict(vote) for vote in votes],
        "similar": [dataclasses.asdict(case) for case in opinion.similar],
    }  # fmt: skip
    print(json.dumps(_without_nan(found), indent=2))
    return 0


def _votes(image, predictor, probability: float, operating_point: str) -> list:
    """Of every model that can serve; one that cannot is named on standard error and left out."""
    from pneumo.inference.predictor import Predictor
    from pneumo.inference.second_opinion import vote
    from pneumo.registry import list_models

    votes = [vote(predictor.card, probability, operating_point)]
    for model in list_models():
        try:
            if model != predictor.card.id:
                other = Predictor.load(model)
                votes.append(vote(other.card, other.answer(image).probability, operating_point))
        except ModelError as error:
            print(f"Not asked: {error}", file=sys.stderr)
    return votes


def _without_nan(value):
    """JSON knows no NaN: undefined is null."""
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
