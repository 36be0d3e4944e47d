"""Presets: named settings, shared by the page and the command line."""

import difflib
from typing import Any

from pneumo.errors import ConfigError
from pneumo.nets import ARCHITECTURES
from pneumo.training.config import make_config

QUICK, STANDARD, THOROUGH, SEEDS = "quick look", "standard", "thorough", "seeds"
PRESETS = {
    QUICK: "Minutes on two cores: few epochs on a small input. Shows that everything works; the network is no good yet.",
    STANDARD: "The architecture's own settings, as the shipped models were made.",
    THOROUGH: "Up to two and a half times as long, and stops by itself when validation no longer improves.",
    SEEDS: "The small network that the project began with, to compare with: three blocks of 32, 64 and 128 channels with kernels "
    "of 2 x 2 on 96 x 96 pixels.",
}
_ONLY = {SEEDS: "cnn"}  # presets of one architecture
_LONGER, _PATIENCE = 2.5, 5


def architectures() -> tuple[str, ...]:
    """Names for `preset` and `make_config`, for pages, which may not import nets."""
    return tuple(ARCHITECTURES)


def presets_of(architecture: str) -> tuple[str, ...]:
    """The names of the presets that `architecture` has."""
    return tuple(name for name in PRESETS if _ONLY.get(name, architecture) == architecture)


def is_transfer(architecture: str) -> bool:
    """Whether it has a pretrained backbone, and so a stage that trains only the head."""
    return make_config(architecture, {}).head_epochs > 0


def preset(name: str, architecture: str) -> dict[str, Any]:
    """The preset's changes of the architecture's defaults, for `make_config`.

    Raises ConfigError for an unknown name of either, with the nearest guess, and for a preset of another architecture.
    """
    usual, known = make_config(architecture, {}), presets_of(architecture)
    if name == QUICK:
        # Training only the head skips the backbone's gradients, most of the work.
        epochs = {"epochs": 2, "head_epochs": 2} if is_transfer(architecture) else {"epochs": 3}
        return {**epochs, "size": max(64, usual.size // 2)}
    if name == STANDARD:
        return {}
    if name == THOROUGH:
        return {"epochs": round(_LONGER * usual.epochs), "patience": _PATIENCE}
    if name == SEEDS and name in known:
        return {"filters": (32, 64, 128), "kernel_size": 2, "size": 96}
    near = difflib.get_close_matches(name, known, n=1)
    guess = f" Did you mean {near[0]}?" if near else ""
    raise ConfigError(f"Unknown preset {name!r} for {architecture}; expected one of {', '.join(known)}.{guess}")
