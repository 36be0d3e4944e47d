"""gate.json of a model without a reference, whose gate has the image rules alone: its form, and figures that follow."""

import json

import numpy as np
import pytest
from tiny_model import make_registry

from pneumo.cli import main
from pneumo.data.foreign import Kind
from pneumo.data.phantom import write_set
from pneumo.inference import gate_measure
from pneumo.inference.gate_measure import measure_gate
from pneumo.inference.predictor import Predictor
from pneumo.reporting.evaluated import read_gate
from pneumo.ui.metrics_gate import gate_html

pytestmark = pytest.mark.gated
OTHERS = (  # the rules see the first and not the second
    Kind("flat", True, lambda rng: np.full((300, 300), rng.integers(256), np.uint8)),
    Kind("slope", False, lambda rng: np.tile(np.linspace(20, 230, 300).astype(np.uint8), (300, 1))),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gate")
    write_set(folder / "set", patients=1)
    root = make_registry(folder / "models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate_measure, "PICTURES", 2)
        patch.setattr(gate_measure, "KINDS", OTHERS)
        found = measure_gate(Predictor.load("tiny", root), folder / "set", "test", root=root)
    return root, found


def test_groups_and_figures(made):
    root, found = made
    groups = {group["name"]: group for group in found["groups"]}
    assert groups["X-rays of test"]["n"] >= 6
    assert groups["X-rays of test"]["rejected"]["value"] == found["chest_rejected"]["value"] == 0
    assert groups["generated phantoms"]["told"]["value"] == 1  # each is told to be one
    assert groups["flat"]["rejected"]["value"] == 1
    assert found["foreign_rejected"] == groups["flat"]["rejected"]  # the only kind here that is kept aside
    assert groups["slope"]["told"]["value"] == 0
    assert groups["flat"]["rejected"]["low"] == pytest.approx(0.342, abs=1e-3)  # 2 of 2, Wilson
    assert found["cuts"] == []
    assert read_gate("tiny", root) == json.loads(json.dumps(found))


def test_the_look_at_test_is_in_the_ledger_without_figures_of_the_model(made):
    root, _ = made
    _, row = (root / "ledger.csv").read_text().splitlines()
    assert ",tiny,,,,," in row
    assert row.endswith(" refused; chose nothing")


def test_the_page_shows_every_group(made):
    _, found = made
    html = gate_html(found)
    assert html.count("<tr>") == len(found["groups"]) + 2
    assert "other things, kept aside" in html


def test_the_card_says_that_a_reference_is_missing(made, monkeypatch, capsys):
    root, _ = made
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    assert main(["models", "verify", "tiny"]) == 0
    assert "image rules alone" in capsys.readouterr().out
    assert main(["models", "show", "tiny"]) == 0
    assert "image rules alone" in capsys.readouterr().out


def test_a_reference_cannot_be_made_from_an_older_graph(made, monkeypatch, capsys):
    root, _ = made
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    (root / "tiny" / "split.csv").write_text(
        "path,label,subtype,patient,part\n"
        + "".join(f"{p},NORMAL,none,{i},train\n" for i, p in enumerate(sorted(_images(root.parent / "set"))))
    )
    assert main(["gate", "tiny", "--data", str(root.parent / "set"), "--refit"]) == 1
    assert "gives no features" in capsys.readouterr().err


def _images(folder):
    return [path.relative_to(folder).as_posix() for path in (folder / "train").rglob("*.png")]
