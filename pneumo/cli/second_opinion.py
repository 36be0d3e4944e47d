"""`pneumo second-opinion`: checks for and against the answer on one X-ray, as JSON."""

import argparse
import dataclasses
from collections.abc import Iterator
from pathlib import Path

from pneumo.cli.commands import Commands, add_command, add_terms, answered, predictor_and_terms, tell
from pneumo.errors import ModelError
from pneumo.inference.finding import Finding, Terms, ask_again, judge
from pneumo.inference.lung_checks import Lungs, load_finder, lungs_of
from pneumo.inference.predictor import Predictor
from pneumo.inference.second_opinion import SMALL_CHANGES, SecondOpinion, Vote, compute_second_opinion, vote
from pneumo.outgoing import json_text, without_nan
from pneumo.registry.voting import voters


def add(commands: Commands) -> None:
    opinion = add_command(commands, "second-opinion", run, "checks for and against the answer on one X-ray, as JSON")
    opinion.add_argument("file", type=Path, metavar="FILE")
    add_terms(opinion)


def run(options: argparse.Namespace) -> int:
    """Exit code 0 with one JSON object on standard output; 1, and no output, if there is no answer."""
    from pneumo.reporting import second_opinion_words as words
    from pneumo.reporting.evaluated import read_cautions

    predictor, terms = predictor_and_terms(options)
    finding = answered(options.file, predictor, "second opinion")
    if finding is None:
        return 1
    assert finding.answer is not None, "expected a finding that is an answer"
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


def opinion_on(finding: Finding, predictor: Predictor, terms: Terms) -> tuple[SecondOpinion, list[Vote], Lungs]:
    """The second opinion on an answered finding that still has its pictures.

    Every other model that votes answers behind its own gate; one that gives no answer is named on standard error.
    """
    image, answer, radiograph = finding.canonical, finding.answer, finding.radiograph
    assert image is not None
    assert answer is not None
    assert radiograph is not None
    votes = [vote(predictor.card, answer.log_ratio, terms)]
    for other in other_voters(predictor.card.id):
        other_finding = ask_again(finding.sha256, image, radiograph.facts, other)
        if other_finding.answer is None:
            tell(f"Not asked: {other.card.id} gives no answer: {other_finding.reasons[0]}")
        else:
            votes.append(vote(other.card, other_finding.answer.log_ratio, terms))
    try:
        lungs = lungs_of(image, load_finder())
    except ModelError as error:
        lungs = Lungs(None, str(error))
    return compute_second_opinion(image, predictor, answer, lungs).at(terms.prevalence), votes, lungs


def other_voters(model: str) -> Iterator[Predictor]:
    """The other models that vote; one that does not load is named on standard error."""
    for name in voters().others(model):
        try:
            yield Predictor.load(name)
        except ModelError as error:
            tell(f"Not asked: {error}")
