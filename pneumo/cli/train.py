"""`pneumo train`: train a network. Any setting of the configuration can be given as --name value."""

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from pneumo.cli.commands import Commands, add_command
from pneumo.errors import ConfigError


def add(commands: Commands) -> None:
    train = add_command(commands, "train", run, "train a network; any setting of the configuration as --name value")
    train.add_argument("architecture")
    train.add_argument("--data", type=Path, required=True)
    train.add_argument("--output", type=Path, required=True, help="the run folder to make")
    train.add_argument("--config", type=Path, help="JSON file of settings; flags override it")
    presets = '"quick look", standard (default), thorough or, for cnn, seeds; --config and flags override it'
    train.add_argument("--preset", help=presets)
    train.add_argument("--resume", action="store_true", help="resume an interrupted run")


def run(options: argparse.Namespace) -> int:
    """Exit code 0 if the run finished, 130 if it was cancelled."""
    from pneumo.training.config import make_config
    from pneumo.training.presets import STANDARD, preset

    settings = preset(options.preset or STANDARD, options.architecture)
    settings |= _read_config(options.config) if options.config else {}
    config = make_config(options.architecture, {**settings, **setting_pairs(options.extra)})
    from pneumo.training.fit import train  # loads Keras, so only after the settings are checked
    from pneumo.training.interrupt import handle_signals

    handle_signals()  # SIGTERM cancels the run
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras prints download progress to standard output
            best = train(config, options.data, options.output, options.resume)
    except KeyboardInterrupt:
        print(f"Cancelled. Go on with --resume; {options.output} holds what was trained so far.", file=sys.stderr)
        return 130
    print(best)
    return 0


def _read_config(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"The configuration {path} cannot be read as JSON.") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"The configuration {path} must be one JSON object of settings.")
    return settings


def setting_pairs(words: list[str]) -> dict[str, str]:
    """["--learning-rate", "1e-4"] -> {"learning-rate": "1e-4"}."""
    pairs: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.removeprefix("--").partition("=")
        setting = value if equals else next(rest, None)
        if not word.startswith("--") or setting is None:
            raise ConfigError(f"Expected settings as --name value; received {word!r}.")
        pairs[name] = setting
    return pairs
