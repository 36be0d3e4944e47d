"""Numbers in the documents come from stored files: README's table must match models/*/metrics.json."""

import json
import re
from pathlib import Path

import pytest

from pneumo.registry.model_folder import list_models
from pneumo.reporting.model_card import card_markdown
from pneumo.reporting.numbers import interval

ROOT = Path(__file__).parent.parent
MODELS = ROOT / "models"


@pytest.mark.parametrize("model", list_models(MODELS))
def test_readme_table(model):
    test = json.loads((MODELS / model / "metrics.json").read_text())["test"]
    figures = " | ".join(interval(test[name]) for name in ("auc", "accuracy", "sensitivity", "specificity"))
    assert f"| `{model}` | {figures} | {test['ece']:.3f} |" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("model", list_models(MODELS))
def test_model_readme_is_generated(model):
    assert (MODELS / model / "README.md").read_text() == card_markdown(model, MODELS)


def test_the_listed_models_are_those_of_the_registry():
    rows = re.findall(r"^\| `([a-z0-9.-]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(rows) == list_models(MODELS)
