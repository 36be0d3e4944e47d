"""`pneumo site-fit` and `site-profile`: fit calibration and cuts to one site, and switch their use on and off."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from pneumo.cli.commands import Commands, add_command
from pneumo.cli.site_test import account, tell_progress
from pneumo.errors import ConfigError, PneumoError
from pneumo.inference.predictor import Predictor
from pneumo.outgoing import printable
from pneumo.registry.acts import FIT, add_act, profile_in_use, read_acts
from pneumo.registry.models import default_model
from pneumo.site.answers import answer_cases
from pneumo.site.cases import read_cases
from pneumo.site.profile import check_name, leave_profile, list_profiles, read_profile, use_profile, write_profile


def add(commands: Commands) -> None:
    about = "fit calibration and cuts on one half of your children, test on the other"
    fitting = add_command(commands, "site-fit", _fit, about)
    source = "as for site-test; a column half (fit, judge) sets the division"
    fitting.add_argument("source", type=Path, metavar="DIR|CSV", help=source)
    fitting.add_argument("--model", help="default: the site's model")
    fitting.add_argument("--name", required=True, help="of the profile, for example winter-2026")
    fitting.add_argument("--site", default="", help="printed as typed")
    share = fitting.add_mutually_exclusive_group()
    share.add_argument("--prevalence", type=float, metavar="P", help="share of your children with pneumonia, from another source")
    share.add_argument("--consecutive", action="store_true", help="the cases are consecutive: take their prevalence")
    fitting.add_argument("--seed", type=int, default=0, help="of the random division of the children")
    parser = commands.add_parser("site-profile", help="site profiles: list, show, use, leave")
    profile = parser.add_subparsers(dest="action", required=True)
    add_command(profile, "list", _list, "every profile with its model; the one in use is marked")
    add_command(profile, "show", _show, "all of its content").add_argument("name")
    using = add_command(profile, "use", _use, "apply it to answers of its model from now on; they name it")
    using.add_argument("name")
    leaving = add_command(profile, "leave", _leave, "go back to the model's own calibration")
    for parser in (using, leaving):
        parser.add_argument("--why", default="", help="reason, for the site's acts")


def _fit(options: argparse.Namespace) -> None:
    from pneumo.site.fit import STATED_NOWHERE, Prevalence, fit_profile

    check_name(options.name)
    prevalence: Prevalence | str = "consecutive" if options.consecutive else STATED_NOWHERE
    if options.prevalence is not None:
        if not 0 < options.prevalence < 1:
            raise ConfigError(f"--prevalence is {options.prevalence:g}; expected a share between 0 and 1, such as 0.3.")
        prevalence = Prevalence(options.prevalence, "stated")
    cases = read_cases(options.source)
    predictor = Predictor.load(options.model or default_model())
    answers = answer_cases(cases, predictor, tell_progress)
    profile = fit_profile(options.name, options.site, answers, predictor.card, prevalence, options.seed)
    path = write_profile(profile)
    add_act(FIT, profile.name, profile.sha256, f"model {profile.model}", account())
    printed = {
        "profile": str(path),
        "sha256": profile.sha256,
        "fitted_on": vars(profile.fitted_on),
        "judged_on": vars(profile.judged_on),
        "prevalence": profile.prevalence,
        "prevalence_from": profile.prevalence_from,
        "log_loss_less": profile.loss_less,
        "own_cuts": profile.own["operating_points"],
        "profile_cuts": profile.judged["operating_points"],
    }
    print(json.dumps(printed, indent=2))
    better = (profile.loss_less["low"] or 0) > 0
    judgement = "The profile is better on the half that judged it." if better else "It is not shown to be better: think before use."
    print(f"{judgement} Use it: python -m pneumo site-profile use {profile.name}")


def _list(options: argparse.Namespace) -> int:
    used, failed = profile_in_use(read_acts()), 0
    for name in list_profiles():
        try:
            line = f"{name}\t{read_profile(name).model}"
        except PneumoError as error:
            failed, line = 1, f"{name}\t{error}"
        print(printable(line, keep="\t") + ("\tin use" if used and used.subject == name else ""))
    return failed


def _show(options: argparse.Namespace) -> None:
    profile = read_profile(options.name)
    print(json.dumps({**asdict(profile), "sha256": profile.sha256}, indent=2))


def _use(options: argparse.Namespace) -> None:
    profile = use_profile(options.name, options.why, account())
    print(f"Answers of {profile.model} are read by {profile.name} from now on, and name it. Leave it: site-profile leave")


def _leave(options: argparse.Namespace) -> None:
    print(f"{leave_profile(options.why, account())} is left: answers are read by the model's own calibration.")
