"""Promotion of untrained runs: what the card, the predictions and the figures are made from."""

import dataclasses
import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from jax_environment import jax_environment
from scipy.special import logit as logit_of
from tiny_model import put

from pneumo.data.cache import cached_images
from pneumo.data.records import scan
from pneumo.data.split import read_manifest, split_records, write_manifest
from pneumo.errors import DataError, ModelError, RunError
from pneumo.evaluation.calibration import even_weights, fit_calibration, log_loss
from pneumo.evaluation.predictions import read_predictions
from pneumo.imaging.hospital_shift import with_shifted_copies
from pneumo.inference.lung_fields import LungFinder
from pneumo.inference.predictor import Predictor
from pneumo.nets import architecture, serving_graph
from pneumo.nets.subtype import with_subtype
from pneumo.registry.model_folder import ModelFolder, list_models
from pneumo.registry.models import read_card, write_card
from pneumo.registry.signing_keys import make_site_key
from pneumo.reporting.model_card import card_markdown
from pneumo.training import promote as module
from pneumo.training.config import make_config
from pneumo.training.promote import promote_run
from pneumo.training.runfolder import lock

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
FRAME = {"lung_centred": "false", "margin": 16}  # finding lungs is slow
TINY = {**FRAME, "filters": "4,8", "dense": 8, "size": 48}


def make_run(folder: Path, data: Path, net: keras.Model | None = None) -> Path:
    """A run folder as training leaves it; its network has random weights and set biases."""
    keras.utils.set_random_seed(3)
    config = make_config("cnn", TINY)
    if net is None:
        net = with_subtype(architecture("cnn").build(config.network, config.spec, "none"))
    for layer in net.layers:
        if isinstance(layer, keras.layers.Dense):
            layer.bias.assign(np.linspace(-0.2, 0.3, layer.bias.shape[0]))
    folder.mkdir(parents=True)
    net.save(folder / "best.keras")
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    (folder / "history.jsonl").write_text('{"epoch": 1, "val_loss": 0.6}\n{"epoch": 2, "val_loss": 0.5}\n')
    records = scan(data)
    write_manifest(folder / "split.csv", records, split_records(records))
    return folder


@pytest.fixture(scope="module")
def run(small_data, tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "two-outputs", small_data)


def change_manifest(run: Path, target: Path, change) -> Path:
    """A copy of `run` whose split rows went through `change`; None leaves a row out."""
    shutil.copytree(run, target)
    path = target / "split.csv"
    header, *lines = path.read_text().splitlines()
    kept = [changed for line in lines if (changed := change(line.split(","))) is not None]
    path.write_text("\n".join([header, *(",".join(cells) for cells in kept)]) + "\n")
    return target


def test_both_outputs_are_the_same_as_in_keras(run, small_data, tmp_path, caplog, monkeypatch):
    monkeypatch.setenv("PNEUMO_SIGNING_KEY", str(tmp_path / "settings" / "site.key"))
    make_site_key()
    with caplog.at_level("INFO"):
        folder = promote_run(run, "two", small_data, "test", root=tmp_path)
    for name in ("probability", "bacterial"):
        assert f"parity with Keras: greatest difference in {name}" in caplog.text
    card, rows = read_card("two", tmp_path), read_predictions(folder / "predictions-test.csv")
    assert (card.best_epoch, card.epochs_run) == (2, 2)
    predictor, net = Predictor.load("two", tmp_path), keras.models.load_model(folder / "model.keras")
    x = np.random.default_rng(0).uniform(0, 1, (3, 48, 48, 1)).astype(np.float32)
    served, (probability, bacterial) = predictor.run(x), net.predict(x, verbose=0)
    np.testing.assert_allclose(served.logits, logit_of(probability[:, 0]), atol=1e-4)
    np.testing.assert_allclose(served.bacterial, logit_of(bacterial[:, 0]), atol=1e-4)
    figures = ModelFolder.of("two", tmp_path).metrics()
    assert figures["test"]["subtype"]["n"] == rows.of_known_kind.sum() == rows.labels.sum()
    assert "subtype" in figures["validation"]
    assert "Bacterial against viral" in (folder / "README.md").read_text()
    assert predictor.seal.state.startswith("signed by this site")
    assert set(predictor.seal.files) == {path.name for path in folder.iterdir()} - {"MANIFEST", "MANIFEST.minisig"}


def test_the_subtype_is_calibrated_only_on_pneumonias_of_known_kind(run, small_data, tmp_path):
    chosen = [row for row in read_manifest(run / "split.csv") if row["part"] == "calibration"]
    odd = {
        next(row["path"] for row in chosen if row["subtype"] == "viral"): "none",
        next(row["path"] for row in chosen if row["label"] == "NORMAL"): "viral",
    }
    changed = change_manifest(run, tmp_path / "run", lambda row: [*row[:2], odd.get(row[0], row[2]), *row[3:]])
    promote_run(changed, "two", small_data, "test", root=tmp_path / "models")
    predictor = Predictor.load("two", tmp_path / "models")
    images = with_shifted_copies(cached_images(small_data, [row["path"] for row in chosen]), seed=0)
    is_known = [row["label"] == "PNEUMONIA" and row["path"] not in odd for row in chosen] * 2
    known = [row for row, keep in zip(chosen * 2, is_known, strict=True) if keep]
    images = images[np.array(is_known)]
    logits = [predictor.run(module.model_input(image, predictor.card.input)[None]).bacterial[0] for image in images]
    expected = fit_calibration(np.array([row["subtype"] == "bacterial" for row in known]), np.array(logits))
    assert predictor.card.subtype_calibration.temperature == pytest.approx(expected.temperature)
    assert predictor.card.subtype_calibration.bias == pytest.approx(expected.bias)


def test_with_only_one_kind_there_is_no_subtype_and_the_log_says_so(run, small_data, tmp_path, caplog):
    one_kind = change_manifest(run, tmp_path / "run", lambda row: None if (row[4], row[2]) == ("calibration", "viral") else row)
    with caplog.at_level("INFO"):
        folder = promote_run(one_kind, "two", small_data, "test", root=tmp_path / "models")
    assert "0 viral cases" in caplog.text
    assert read_card("two", tmp_path / "models").subtype_calibration is None
    assert read_predictions(folder / "predictions-test.csv").bacterial is None
    assert "subtype" not in ModelFolder.of("two", tmp_path / "models").metrics()["test"]


def test_a_network_with_one_output_is_promoted(small_data, tmp_path):
    config = make_config("cnn", TINY)
    run = make_run(tmp_path / "run", small_data, architecture("cnn").build(config.network, config.spec, "none"))
    folder = promote_run(run, "one", small_data, "test", root=tmp_path / "models")
    assert read_card("one", tmp_path / "models").subtype_calibration is None
    assert (folder / "predictions-test.csv").read_text().startswith("file,label,subtype,logit,probability\n")


def test_a_lung_centred_network_is_promoted_with_its_segmenter(small_data, tmp_path):
    config = make_config("cnn", {**TINY, "lung_centred": "true", "margin": 0})
    run = make_run(tmp_path / "run", small_data, architecture("cnn").build(config.network, config.spec, "none"))
    (run / "config.json").write_text(json.dumps(config.to_dict()))
    folder = promote_run(run, "lungs-alone", small_data, "test", root=tmp_path / "models")
    card, finder = read_card("lungs-alone", tmp_path / "models"), LungFinder.load()
    assert card.input.lung_centred
    assert card.segmenter_sha256 == finder.sha256
    stored = read_predictions(folder / "predictions-calibration.csv")  # the choice of the default model can be repeated from it
    ratios = card.calibration.log_ratio(stored.logits)
    assert card.selection_loss == pytest.approx(log_loss(stored.labels, ratios, even_weights(stored.labels)))
    assert sum(file.startswith("disturbed/") for file in stored.files) > len(stored.files) / 3
    image = cached_images(small_data, [next(file for file in stored.files if not file.startswith("disturbed/"))])[0]
    answer = Predictor.load("lungs-alone", tmp_path / "models").answer(image)
    assert answer.heatmap.shown == finder.find(image).box
    other = dataclasses.replace(card, segmenter_sha256="0" * 64)
    write_card(other, folder)
    with pytest.raises(ModelError, match="another lung segmenter"):
        Predictor.load("lungs-alone", tmp_path / "models")


def test_without_a_test_split_there_is_no_test_evaluation(small_data, tmp_path, caplog):
    shutil.copytree(small_data, tmp_path / "set", ignore=shutil.ignore_patterns("test"))
    run, root = make_run(tmp_path / "run", tmp_path / "set"), tmp_path / "models"
    with caplog.at_level("INFO"):
        folder = promote_run(run, "untested", tmp_path / "set", "test", root=root)
    assert "no test split" in caplog.text
    assert list(ModelFolder.of("untested", root).metrics()) == ["validation"]
    assert not (root / "ledger.csv").exists()
    assert not (folder / "predictions-test.csv").exists()
    assert "was not evaluated on a test split" in card_markdown("untested", root)


def test_a_network_trained_in_mixed_precision_serves_in_float32(small_data, tmp_path):
    config, before = make_config("cnn", TINY), keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        net = with_subtype(architecture("cnn").build(config.network, config.spec, "none"))
    finally:
        keras.config.set_dtype_policy(before)
    folder = promote_run(make_run(tmp_path / "run", small_data, net), "mixed", small_data, "test", root=tmp_path / "models")
    stored = keras.models.load_model(folder / "model.keras")
    assert {layer.compute_dtype for layer in stored.layers} == {"float32"}


def test_a_graph_with_other_answers_is_refused_and_leaves_nothing(run, small_data, tmp_path, monkeypatch):
    class Shifted(serving_graph.ExternalWriter):
        def layer(self, layer, inputs):
            name = super().layer(layer, inputs)
            return self.add("Add", [name, self.constant(0.01)]) if layer.name == "bacterial" else name

    monkeypatch.setattr(serving_graph, "ExternalWriter", Shifted)
    with pytest.raises(ModelError, match="in bacterial"):
        promote_run(run, "two", small_data, "test", root=tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_calibration_part_of_one_class(run, small_data, tmp_path):
    poor = change_manifest(run, tmp_path / "run", lambda row: None if (row[4], row[1]) == ("calibration", "NORMAL") else row)
    with pytest.raises(DataError, match=r"calibration part needs both classes; it has (\d+) PNEUMONIA of \1 images"):
        promote_run(poor, "two", small_data, "test", root=tmp_path / "models")


def test_invalid_ids_and_unfinished_runs_are_refused(run, small_data, tmp_path):
    with pytest.raises(RunError, match="is no model id"):
        promote_run(run, "../elsewhere", small_data, "test", root=tmp_path)
    unfinished = change_manifest(run, tmp_path / "run", lambda row: row)
    (unfinished / "best.keras").unlink()
    with pytest.raises(RunError, match=r"no best\.keras yet"):
        promote_run(unfinished, "two", small_data, "test", root=tmp_path)


def test_a_promotion_overtaken_by_another_leaves_the_first_model(run, small_data, tmp_path, monkeypatch):
    """The id was free when both began."""
    root, write = tmp_path / "models", module.write_readme

    def meanwhile(model, folder):
        write(model, folder)
        if not (root / model).exists():
            shutil.copytree(folder / model, root / model)
            put(root / model / "README.md", "the first")

    monkeypatch.setattr(module, "write_readme", meanwhile)
    with pytest.raises(RunError, match="'two' is in the registry already"):
        promote_run(run, "two", small_data, "test", root=root)
    assert (root / "two" / "README.md").read_text() == "the first"
    Predictor.load("two", root)
    assert sorted(path.name for path in root.iterdir()) == ["ledger.csv", "two"]


def test_what_a_killed_promotion_left_is_cleared_away_and_a_living_one_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "GRACE", -1.0)
    (tmp_path / ".promoting-dead" / "model").mkdir(parents=True)
    with module.draft_folder(tmp_path) as mine, module.draft_folder(tmp_path) as other:
        assert not (tmp_path / ".promoting-dead").exists()
        assert mine.is_dir()
        assert other.is_dir()
        assert list_models(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_the_network_and_the_history_of_a_killed_run_match(run, tmp_path):
    """Killed after the history line, before its best network was put in place: promotion first does that."""
    killed = change_manifest(run, tmp_path / "run", lambda row: row)
    (killed / "best.keras").rename(killed / "best-2.keras")
    (killed / "best.keras").write_bytes(b"of the first epoch")
    copy = module.copy_run(killed, tmp_path / "copy")
    assert (copy / "best.keras").read_bytes() == (run / "best.keras").read_bytes()
    with lock(killed), pytest.raises(RunError, match="is training in"):
        module.copy_run(killed, tmp_path / "second")


def test_a_full_disk_leaves_the_registry_unchanged(run, small_data, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "write_serving_graph", full)
    with pytest.raises(RunError, match="Make room and promote again"):
        promote_run(run, "two", small_data, "test", root=tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


WITHOUT_TENSORFLOW = """
import pathlib, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            raise ImportError("as where it is not installed")

sys.meta_path.insert(0, Absent())
from pneumo.training.promote import promote_run
from pneumo.training.runfolder import lock
run, data, root = map(pathlib.Path, sys.argv[1:])
promote_run(run, "jax", data, "test", root=root)
"""


def test_promotion_on_jax_needs_no_tensorflow(run, small_data, tmp_path):
    pytest.importorskip("jax")
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, str(run), str(small_data), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **jax_environment()}, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    promote_run(run, "tensorflow", small_data, "test", root=tmp_path)
    cards = [read_card(name, tmp_path) for name in ("jax", "tensorflow")]
    assert cards[0].calibration.temperature == pytest.approx(cards[1].calibration.temperature, rel=1e-4)
    assert cards[0].operating_points == pytest.approx(cards[1].operating_points, abs=1e-5)
