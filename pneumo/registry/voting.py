"""Which models may vote on another's answer: those their owner marked as in use by signing them, and the default model."""

from dataclasses import dataclass
from pathlib import Path

from pneumo.errors import PneumoError
from pneumo.registry.model_folder import ModelFolder, list_models
from pneumo.registry.models import default_model
from pneumo.registry.seal import read_seal


@dataclass(frozen=True)
class Voters:
    """Ids of models, in alphabetical order."""

    models: tuple[str, ...]
    left_out: tuple[str, ...]  # not signed by a known key, such as an experiment that was promoted to look at it

    def others(self, model: str) -> tuple[str, ...]:
        """Those that vote on an answer of `model`."""
        return tuple(name for name in self.models if name != model)

    def left_out_beside(self, model: str) -> int:
        """How many do not vote on an answer of `model`."""
        return len(set(self.left_out) - {model})


def voters(root: Path | None = None) -> Voters:
    """Of the models below `root`. One whose signature cannot be read or does not match has no vote either."""
    try:
        default = default_model(root)
    except PneumoError:
        default = ""
    models = list_models(root)
    voting = tuple(model for model in models if model == default or _is_signed(model, root))
    return Voters(voting, tuple(model for model in models if model not in voting))


def _is_signed(model: str, root: Path | None) -> bool:
    folder = ModelFolder.of(model, root)
    try:
        return bool(read_seal(folder.path, folder.subject).signer)
    except PneumoError:
        return False
