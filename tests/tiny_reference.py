"""Another reference or card for the model of tiny_model, sealed again."""

import dataclasses
from pathlib import Path
from typing import Any

from tiny_model import TRAIN_FILES, tiny_reference

from pneumo.files import sha256
from pneumo.registry.model_folder import REFERENCE
from pneumo.registry.models import read_card, write_card

FILES = TRAIN_FILES


def with_reference(root: Path, model: str = "tiny", odds: float = 0.0) -> None:
    """Every image has log odds `odds` of not being a chest; refused above 1."""
    folder = root / model
    tiny_reference(odds).save(folder / REFERENCE)
    card = read_card(model, root)
    write_card(dataclasses.replace(card, files={**card.files, REFERENCE: sha256(folder / REFERENCE)}), folder, (REFERENCE,))


def change_card(root: Path, model: str, **fields: Any) -> None:
    write_card(dataclasses.replace(read_card(model, root), **fields), root / model)
