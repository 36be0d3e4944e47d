"""`pneumo second-opinion`: checks for and against the answer on one X-ray, as JSON."""

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pneumo.cli.commands import Commands
from pneumo.cli.terms import add_terms, load_predictor, terms_of
from pneumo.errors import DataError, ModelError
from pneumo.outgoing import json_text, printable, without_nan

if TYPE_CHECKING:
    from pneumo.inference.finding import Finding, Terms
    from pneumo.inference.lung_checks import Lungs
    from pneumo.inference.predictor import Predictor
    from pneumo.inference.second_opinion import SecondOpinion, Vote


def add(commands: Commands) -> None:
    opinion = commands.add_parser("second-opinion", help="checks for and against the answer on one X-ray, as JSON")
    opinion.add_argument("file", type=Path, metavar="FILE")
    opinion.add_argument("--model", help="default: the best model of the registry")
    add_terms(opinion)
    opinion.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Exit code 0 with one JSON object on standard output; 1, and no output, if there is no answer."""
    from pneumo.inference.batch import read_files
    from pneumo.inference.finding import judge
    from pneumo.inference.second_opinion import SMALL_CHANGES
    from pneumo.registry.voting import voters
    from pneumo.reporting import second_opinion_words as words
    from pneumo.reporting.evaluated import read_cautions

    predictor = load_predictor(options)
    terms = terms_of(options, predictor)
    findings = [finding for _, finding in read_files([str(options.file)], predictor)]
    if len(findings) != 1:
        raise DataError(f"{options.file} holds {len(findings)} X-rays; expected one. Unpack it and give one file.")
    (finding,) = findings
    if finding.answer is None or finding.canonical is None:
        print(
            printable(f"{options.file}: {finding.status.in_words}, so there is no second opinion. {' '.join(finding.reasons)}"),
            file=sys.stderr,
        )
        return 1
    answer = finding.answer
    reading = judge(answer.log_ratio, predictor.card, terms)
    opinion, votes, lungs = opinion_on(finding, predictor, terms)
    changes, left_out = [name for name, _ in SMALL_CHANGES], voters().left_out_beside(finding.model)
    cautions = words.cautions(opinion, votes, reading, read_cautions(finding.model))
    output = {
        "file": str(options.file),
        "sha256": finding.sha256,
        "model": finding.model,
        "model_sha256": finding.model_sha256,
        **dataclasses.asdict(reading),
        "warnings": [*finding.warnings, *(caution.sentence for caution in cautions)],
        "sentences": dict(words.rows(opinion, votes, reading, words.usual_when_hidden(finding.model), left_out)),
        "small_changes": {
            "lowest": opinion.stability.lowest,
            "highest": opinion.stability.highest,
            "other_verdict": opinion.stability.turned(reading),
            "probabilities": dict(zip(changes, opinion.stability.changed, strict=True)),
        },
        "lungs_hidden": {"probability": opinion.occlusion.hidden, "reason": opinion.occlusion.reason},
        "heat": dataclasses.asdict(opinion.heat),
        "lungs_by": None if lungs.mask is None else "segmenter",
        "models": [dataclasses.asdict(vote) for vote in votes],
        "models_left_out": left_out,
        "similar": [dataclasses.asdict(case) for case in opinion.similar],
    }
    print(json_text(without_nan(output), indent=2))
    return 0


def opinion_on(finding: "Finding", predictor: "Predictor", terms: "Terms") -> "tuple[SecondOpinion, list[Vote], Lungs]":
    """The second opinion on an answered finding that still has its pictures.

    Every other model that votes answers behind its own gate; one that gives no answer is named on standard error.
    """
    from pneumo.inference.finding import ask_again
    from pneumo.inference.lung_checks import Lungs, load_finder, lungs_of
    from pneumo.inference.predictor import Predictor
    from pneumo.inference.second_opinion import compute_second_opinion, vote
    from pneumo.registry.voting import voters

    image, answer, radiograph = finding.canonical, finding.answer, finding.radiograph
    assert image is not None
    assert answer is not None
    assert radiograph is not None
    votes = [vote(predictor.card, answer.log_ratio, terms)]
    for model in voters().others(predictor.card.id):
        try:
            other = Predictor.load(model)
        except ModelError as error:
            print(printable(f"Not asked: {error}"), file=sys.stderr)
            continue
        other_finding = ask_again(finding.sha256, image, radiograph.facts, other)
        if other_finding.answer is None:
            print(printable(f"Not asked: {model} gives no answer: {other_finding.reasons[0]}"), file=sys.stderr)
        else:
            votes.append(vote(other.card, other_finding.answer.log_ratio, terms))
    try:
        lungs = lungs_of(image, load_finder())
    except ModelError as error:
        lungs = Lungs(None, str(error))
    return compute_second_opinion(image, predictor, answer, lungs).at(terms.prevalence), votes, lungs
