"""Form and figures of gate.json for a model whose reference finds nothing strange: its gate has only the image rules."""

import dataclasses

import numpy as np
import onnx
import pytest
from tiny_model import make_registry

from pneumo.cli.main import main
from pneumo.evaluation.gate_figures import GateFigures
from pneumo.evaluation.wilson import wilson_interval
from pneumo.files import sha256
from pneumo.inference.predictor import Predictor
from pneumo.registry.model_folder import ModelFolder
from pneumo.registry.models import read_card, write_card
from pneumo.studies import gate_measure
from pneumo.studies.gate_measure import measure_gate
from pneumo.synthetic.non_chest import Kind
from pneumo.synthetic.phantom import write_set
from pneumo.ui.metrics.gate import gate_html

pytestmark = pytest.mark.slow
OTHERS = (  # the rules detect the first two, not the third
    Kind("flat", True, lambda rng: np.full((300, 300), rng.integers(256), np.uint8)),
    Kind("pieces", True, lambda rng: np.full((300, 300), rng.integers(256), np.uint8), ("one original",)),
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
        figures = measure_gate(Predictor.load("tiny", root), folder / "set", "test", root=root)
    return root, figures


def test_groups_and_figures(made):
    root, figures = made
    groups = {group["name"]: group for group in figures["groups"]}
    assert groups["X-rays of test"]["n"] >= 6
    assert groups["X-rays of test"]["rejected"]["value"] == figures["chest_rejected"]["value"] == 0
    assert groups["generated phantoms"]["told"]["value"] == 1  # each is reported as one
    assert groups["flat"]["rejected"]["value"] == 1
    assert (groups["pieces"]["n"], groups["pieces"]["originals"]) == (2, 1)
    assert groups["pieces"]["rejected"]["low"] == pytest.approx(0.207, abs=1e-3)  # one original: 1 of 1
    assert figures["foreign_rejected"]["low"] == pytest.approx(0.438, abs=1e-3)  # three originals of the kinds kept aside
    children = groups["X-rays of test"]["originals"]
    assert groups["X-rays of test"]["rejected"]["high"] == pytest.approx(wilson_interval(0, children).high)
    assert groups["slope"]["told"]["value"] == 0
    assert groups["flat"]["rejected"]["low"] == pytest.approx(0.342, abs=1e-3)  # 2 of 2, Wilson
    assert figures["cuts"] == [1.0, 1.0]
    assert ModelFolder.of("tiny", root).gate() == GateFigures.from_dict(figures)


def test_the_look_at_test_is_in_the_ledger_without_figures_of_the_model(made):
    root, _ = made
    _, row = (root / "ledger.csv").read_text().splitlines()
    assert ",tiny,,,,," in row
    assert row.endswith(" refused; chose nothing")


def test_the_page_shows_every_group(made):
    _, figures = made
    html = gate_html(GateFigures.from_dict(figures))
    assert html.count("<tr>") == len(figures["groups"]) + 2
    assert "other things, kept aside" in html


def test_an_older_file_is_still_shown(made):
    _, figures = made
    before = {name: value for name, value in figures.items() if name != "intervals"}
    before["groups"] = [{name: value for name, value in group.items() if name != "originals"} for group in figures["groups"]]
    old, new = GateFigures.from_dict(before), GateFigures.from_dict(figures)
    assert "too narrow" in old.intervals
    assert gate_html(old).count("<tr>") == gate_html(new).count("<tr>")


def test_the_manifest_has_the_new_file_and_the_model_serves_on(made):
    root, _ = made
    assert Predictor.load("tiny", root).seal.files["gate.json"] == sha256(root / "tiny" / "gate.json")


def test_a_reference_cannot_be_made_from_an_older_graph(tmp_path, monkeypatch, capsys):
    """Without features the gate would have nothing to judge by."""
    root = make_registry(tmp_path)
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    graph = onnx.load(root / "tiny" / "model.onnx")
    del graph.graph.output[2]
    onnx.save(graph, root / "tiny" / "model.onnx")
    card = read_card("tiny", root)
    write_card(
        dataclasses.replace(card, files={**card.files, "model.onnx": sha256(root / "tiny" / "model.onnx")}),
        root / "tiny",
        ("model.onnx",),
    )
    assert main(["gate", "tiny", "--data", str(tmp_path / "set"), "--refit"]) == 1
    assert "model.onnx is another kind of graph than its card says" in capsys.readouterr().err
