"""Presets: settings under a name, for those who do not want to choose each. The page and the command line share them."""

import difflib
from typing import Any

from pneumo.errors import ConfigError
from pneumo.nets import ARCHITECTURES
from pneumo.training.config import make_config

QUICK, STANDARD, THOROUGH = "quick look", "standard", "thorough"
PRESETS = {
    QUICK: "Minutes on two cores: few epochs on a small input. Shows that everything works; the network is no good yet.",
    STANDARD: "The architecture's own settings, as the shipped models were made.",
    THOROUGH: "Up to two and a half times as long, and stops by itself when validation no longer improves.",
}
_QUICK_EPOCHS = {"plain": 3, "transfer": 2}
_LONGER, _PATIENCE = 2.5, 5


def architectures() -> tuple[str, ...]:
    """The names `preset` and `make_config` know, for pages, which stand above the networks."""
    return tuple(ARCHITECTURES)


def is_transfer(architecture: str) -> bool:
    """Whether it has a pretrained backbone, and so a first stage that trains the head alone."""
    return make_config(architecture, {}).head_epochs > 0


def preset(name: str, architecture: str) -> dict[str, Any]:
    """Settings for `make_config`: what the preset changes of the architecture's defaults.

    Raises ConfigError for an unknown name of either, with the nearest guess.
    """
    usual = make_config(architecture, {})
    if name == QUICK:
        # The head alone needs no gradients through the backbone, which is most of the work.
        epochs = _QUICK_EPOCHS["transfer" if is_transfer(architecture) else "plain"]
        head = {"head_epochs": epochs} if is_transfer(architecture) else {}
        return {"epochs": epochs, "size": max(64, usual.size // 2), **head}
    if name == STANDARD:
        return {}
    if name == THOROUGH:
        return {"epochs": round(_LONGER * usual.epochs), "patience": _PATIENCE}
    near = difflib.get_close_matches(name, PRESETS, n=1)
    raise ConfigError(
        f"Unknown preset {name!r}; expected one of {', '.join(PRESETS)}." + (f" Did you mean {near[0]}?" if near else "")
    )
