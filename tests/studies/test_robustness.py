"""Form of robustness.json for the tiny model, and figures that follow from the model's single rule."""

import dataclasses
import json

import numpy as np
import pytest
from tiny_model import make_registry

from pneumo.cli.main import main
from pneumo.data.records import Record
from pneumo.imaging.perturbations import CHANGES
from pneumo.imaging.preprocess import InputSpec
from pneumo.inference.lung_fields import LungFields
from pneumo.inference.predictor import Predictor
from pneumo.registry.models import read_card
from pneumo.studies.robustness import CURVE_IMAGES, FRACTIONS, assess_robustness, measure_robustness
from pneumo.synthetic.phantom import write_set

pytestmark = pytest.mark.slow

LUNGS = np.zeros((224, 224), bool)
LUNGS[50:170, 40:100] = LUNGS[50:170, 130:190] = True


class Finder:
    """Finds the same lungs everywhere: flat pictures have none."""

    def find(self, image):
        return LungFields(LUNGS, 1.0)


@pytest.fixture(scope="module", autouse=True)
def _few_resamples():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pneumo.studies.robustness.RESAMPLES", 30)
        patch.setattr("pneumo.studies.robustness.LungFinder.load", Finder)
        yield


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_registry(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "set"
    write_set(folder, patients=1)
    return folder


def greys(values):
    """(records, images): flat images, above 127 PNEUMONIA, each of its own patient."""
    labels = ["PNEUMONIA" if value > 127 else "NORMAL" for value in values]
    records = [Record(f"{i}.png", label, "none", str(i), "test") for i, label in enumerate(labels)]
    return records, np.stack([np.full((224, 224), value, np.uint8) for value in values])


@pytest.fixture(scope="module")
def measured(root):
    records, images = greys([90, 100, 110, 120, 135, 145, 155, 165])
    return measure_robustness(Predictor.load("tiny", root), root / "tiny" / "model.onnx", records, images)


def test_rows_are_the_changes(measured, root):
    assert [(row["kind"], row["amount"]) for row in measured["changes"]] == [
        *((c.kind, c.amount) for c in CHANGES),
        ("lungs hidden", ""),
    ]
    assert (measured["n"], measured["operating_point"]) == (8, "balanced")
    assert measured["prevalence"] == 0.5
    hidden = measured["lungs_hidden"]  # flat pictures stay as they are: log ratios of 10 (grey / 255 - 0.5)
    assert hidden["median_log_ratio_healthy"] == pytest.approx(10 * (105 / 255 - 0.5), abs=1e-3)
    assert measured["model_sha256"] == read_card("tiny", root).sha256  # it shows which model the figures belong to
    assert set(measured["changes"][0]) == {
        "kind",
        "amount",
        "auc",
        "accuracy",
        "sensitivity",
        "specificity",
        "mean_shift",
        "unanswered",
    }
    assert measured["changes"][0]["unanswered"] == {"NORMAL": 0, "PNEUMONIA": 0}
    assert set(measured["changes"][0]["auc"]) == {"value", "low", "high"}


def test_figures_of_a_model_that_reads_mean_grey(measured):
    rows = {(row["kind"], row["amount"]): row for row in measured["changes"]}
    plain, bright, dark = (rows[key] for key in (("none", ""), ("brightness", "+0.20"), ("brightness", "-0.20")))
    assert plain["mean_shift"] == 0
    assert [plain[name]["value"] for name in ("auc", "sensitivity", "specificity")] == [1.0, 1.0, 1.0]
    # 51 grey levels more lift all above the cut of 127.5, 51 less bring all below it; the ranking stays.
    assert [bright[name]["value"] for name in ("auc", "sensitivity", "specificity")] == [1.0, 1.0, 0.0]
    assert [dark[name]["value"] for name in ("auc", "sensitivity", "specificity")] == [1.0, 0.0, 1.0]
    logits = 20 * (np.array([90, 100, 110, 120, 135, 145, 155, 165]) / 255 - 0.5)
    shift = np.abs(1 / (1 + np.exp(-(logits + 4) / 2)) - 1 / (1 + np.exp(-logits / 2))).mean()
    assert bright["mean_shift"] == pytest.approx(shift, abs=1e-4)
    assert dark["mean_shift"] == pytest.approx(shift, rel=0.1)  # an absolute difference


def test_hidden_lungs_of_a_flat_image_change_nothing(measured):
    for name in ("lungs_hidden", "lungs_only"):
        assert measured[name]["auc"]["value"] == 1.0
        assert measured[name]["mean_probability_sick"] > 0.65 > 0.35 > measured[name]["mean_probability_healthy"]


def test_heat_of_a_flat_map_is_shared_by_area(measured):
    heat = measured["heat_in_lungs"]
    assert heat["n"] == 4  # the dark ones have no positive heat
    assert heat["share"]["value"] == pytest.approx(heat["shown"], abs=1e-4)
    assert heat["area"] == pytest.approx(2 * 60 * 120 / 224**2)
    assert heat["by_class"]["NORMAL"] is None
    assert heat["by_class"]["PNEUMONIA"] == heat["share"]["value"]


def test_curves_are_better_than_chance(root):
    """Evidence in one corner: removing the hottest cells removes it at once, random cells only gradually."""
    records, images = greys([100] * 4 + [140] * 4)
    images[:, :, :] = 128
    images[:4, 40:80, 40:80] = 60
    images[4:, 40:80, 40:80] = 230
    measured = measure_robustness(Predictor.load("tiny", root), root / "tiny" / "model.onnx", records, images)
    for name, sign in (("deletion", 1), ("insertion", -1)):
        curve = measured[name]
        assert curve["fractions"] == list(FRACTIONS)
        assert curve["model"][0] == pytest.approx(curve["random"][0])
        assert curve["model"][-1] == pytest.approx(curve["random"][-1])
        area = {kind: np.trapezoid(curve[kind], FRACTIONS) for kind in ("model", "random")}
        assert measured["auc_gap"][name] == pytest.approx(sign * (area["random"] - area["model"]))
        assert measured["auc_gap"][name] > 0.01


def test_nothing_to_measure_on_is_null_not_an_error(root):
    records, images = greys([20, 30, 40])
    measured = measure_robustness(Predictor.load("tiny", root), root / "tiny" / "model.onnx", records, images)
    assert measured["changes"][0]["auc"] == {"value": None, "low": None, "high": None}
    assert measured["deletion"]["model"] == [None] * len(FRACTIONS)
    assert measured["auc_gap"] == {"deletion": None, "insertion": None}
    assert measured["randomisation"] == {"layers": []}
    assert CURVE_IMAGES > 8  # the other tests measure on every image they have
    json.dumps(measured, allow_nan=False)


def test_written_for_a_folder_without_a_row_in_the_ledger(root, data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    out = tmp_path / "out"
    assert main(["evaluate", "tiny", "--data", str(data), "--split", "val", "--robustness", "--output", str(out)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert json.loads((out / "robustness.json").read_text()) == printed
    assert printed["split"] == "val"
    assert list(out.iterdir()) == [out / "robustness.json"]
    assert not (root / "ledger.csv").exists()


def test_a_sample_is_drawn_by_a_fixed_seed(root, data, tmp_path):
    predictor = Predictor.load("tiny", root)
    few, again = (assess_robustness(predictor, data, "test", tmp_path, root, tmp_path / "ledger.csv", sample=5) for _ in range(2))
    assert few["n"] == 5
    assert (tmp_path / "ledger.csv").read_text().splitlines()[-1].endswith(',"robustness, on 5 of the images"')
    assert few == again
    assert assess_robustness(predictor, data, "test", tmp_path, root, tmp_path / "ledger.csv", sample=10_000)["n"] > 5


def test_a_look_at_test_is_one_row_in_the_ledger(root, data, tmp_path):
    ledger = tmp_path / "ledger.csv"
    measured = assess_robustness(Predictor.load("tiny", root), data, "test", tmp_path, root, ledger)
    _, row = ledger.read_text().splitlines()
    assert row.endswith(",robustness")
    assert f",{measured['changes'][0]['auc']['value']:.4f}," in row


def test_a_lung_centred_model_answers_less_where_lungs_are_lost_and_says_so(root, monkeypatch):
    class LosesBright(Finder):
        def find(self, image):
            return LungFields(LUNGS, 1.0, "No lung field was found." if image[0, 0] > 200 else "")

    predictor = Predictor.load("tiny", root)
    predictor.card = dataclasses.replace(predictor.card, input=InputSpec(32, 0, lung_centred=True))
    predictor.finder = LosesBright()
    records, images = greys([90, 120, 140, 165])
    measured = measure_robustness(predictor, root / "tiny" / "model.onnx", records, images)
    rows = {(row["kind"], row["amount"]): row for row in measured["changes"]}
    assert rows[("none", "")]["unanswered"] == {"NORMAL": 0, "PNEUMONIA": 0}
    assert rows[("brightness", "+0.20")]["unanswered"] == {"NORMAL": 0, "PNEUMONIA": 1}  # 165 + 51 is above 200
    assert rows[("brightness", "+0.20")]["sensitivity"]["value"] == 1.0  # of the one that got an answer
