"""`pneumo site-model`: the site's active model, a candidate beside it, activation and rollback. Each change is a logged act."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pneumo.cli.commands import Commands, add_command, require_record
from pneumo.cli.site_test import account, tell_progress
from pneumo.errors import ConfigError
from pneumo.inference.predictor import Predictor
from pneumo.outgoing import json_text, printable, without_nan
from pneumo.registry.acts import candidate_model, profile_in_use, read_acts
from pneumo.registry.models import default_model, read_card, site_model
from pneumo.site.answers import answer_cases
from pneumo.site.cases import read_cases
from pneumo.site.change import activate, back, candidate_digest, end_candidate, set_candidate


def add(commands: Commands) -> None:
    parser = commands.add_parser("site-model", help="the site's model: candidate, comparison, activation, rollback")
    actions = parser.add_subparsers(dest="action", required=True)
    add_command(actions, "status", _status, "the active model, the candidate, the profile, and every act")
    about = "let a model answer beside the active one, hidden from readers (needs the record)"
    trying = add_command(actions, "candidate", _candidate, about)
    ending = add_command(actions, "end", _end, "stop the candidate")
    activating = add_command(actions, "activate", _activate, "make a model the site's default")
    returning = add_command(actions, "back", _back, "return to the model before the last activation")
    for each in (trying, activating):
        each.add_argument("id", metavar="ID")
    for each in (trying, ending, activating, returning):
        each.add_argument("--why", default="", help="reason, for the site's acts; required by activate and back")
    about = "compare candidate and active model on the same cases, paired, with intervals"
    comparing = add_command(actions, "compare", _compare, about)
    cases = "labelled X-rays, as for site-test; default: the cases of the record"
    comparing.add_argument("--cases", type=Path, metavar="DIR|CSV", help=cases)
    comparing.add_argument("--candidate", metavar="ID", help="with --cases; default: the current candidate")


def _status(options: argparse.Namespace) -> None:
    acts = read_acts()
    chosen, tried, used = site_model(), candidate_model(acts), profile_in_use(acts)
    print(f"active\t{chosen or default_model()}\t{'chosen by an act' if chosen else 'the default of the registry'}")
    print(f"candidate\t{tried.subject if tried else 'none'}")
    print(f"site profile\t{used.subject if used else 'none'}")
    for act in acts:
        cells = (str(act.sequence), act.time, act.actor, act.action, act.subject, act.digest[:16], act.why)
        print(printable("\t".join(cells), keep="\t"))


def _candidate(options: argparse.Namespace) -> None:
    set_candidate(options.id, options.why, account())
    print(f"{options.id} answers beside the active model from now on, unseen, wherever answers are recorded (PNEUMO_RECORD).")


def _end(options: argparse.Namespace) -> None:
    print(f"{end_candidate(options.why, account()).subject} is no candidate any more. What it said is kept with its cases.")


def _activate(options: argparse.Namespace) -> None:
    activate(options.id, options.why, account())
    print(f"{options.id} is the site's model. The way back: pneumo site-model back --why REASON")


def _back(options: argparse.Namespace) -> None:
    print(f"{back(options.why, account()).subject or 'The default of the registry'} answers here again.")


def _compare(options: argparse.Namespace) -> None:
    comparison = _on_cases(options) if options.cases else _on_record()
    print(json_text(without_nan(comparison), indent=2))


def _on_record() -> dict[str, Any]:
    from pneumo.site.compare import compare_pairs, recorded_pairs

    tried = candidate_model(read_acts())
    if tried is None:
        raise ConfigError("There is no candidate. Name one: pneumo site-model candidate ID; or compare on --cases.")
    record, active = require_record(), read_card(default_model())
    shadows = record.shadows(candidate_digest(tried))
    pairs, unanswered = recorded_pairs(record.search(), shadows, active.sha256)
    return {"active": active.id, "candidate": tried.subject, "of": "the record", **asdict(compare_pairs(pairs, unanswered))}


def _on_cases(options: argparse.Namespace) -> dict[str, Any]:
    from pneumo.site.compare import answered_pairs, compare_pairs

    tried = candidate_model(read_acts())
    name = options.candidate or (tried.subject if tried else None)
    if name is None:
        raise ConfigError("There is no candidate. Name one: --candidate ID.")
    cases, active, candidate = read_cases(options.cases), Predictor.load(default_model()), Predictor.load(name)
    first, second = (answer_cases(cases, predictor, tell_progress) for predictor in (active, candidate))
    pairs, unanswered = answered_pairs(first, second, active.card, candidate.card)
    return {"active": active.card.id, "candidate": name, "of": str(options.cases), **asdict(compare_pairs(pairs, unanswered))}
