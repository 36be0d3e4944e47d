import json
import math

import pytest
from tiny_model import make_registry, put

from pneumo.errors import ModelError
from pneumo.evaluation.calibration import Calibration
from pneumo.registry.model_folder import list_models
from pneumo.registry.models import default_model, read_card, verified


@pytest.fixture
def root(tmp_path):
    return make_registry(tmp_path)


def change_card(root, **changes):
    path = root / "tiny" / "card.json"
    put(path, json.dumps({**json.loads(path.read_text()), **changes}))


def test_card_round_trip(root):
    card = read_card("tiny", root)
    assert card.input.size == 32
    assert card.calibration.temperature == 2.0
    assert card.heatmap_centres == (0.125, 0.875)
    assert card.sha256 == card.files["model.keras"]


def test_cuts_are_probabilities_at_a_prevalence(root):
    card = read_card("tiny", root)
    assert card.operating_points == pytest.approx({"balanced": 0.5, "rule-out": 0.25, "rule-in": 0.75})
    assert card.points_at(0.1) == pytest.approx(
        {"balanced": 0.1, "rule-out": 1 / 28, "rule-in": 0.25}
    )  # odds 1/9, a third, three times
    assert card.probability(2.0) == pytest.approx(1 / (1 + math.exp(-1)))


def test_a_card_of_version_1_is_converted(root):
    """In version 1 the log odds included the prevalence of the calibration part, here 3 of 4, and cuts were probabilities."""
    path = root / "tiny" / "card.json"
    fields = json.loads(path.read_text())
    del fields["cuts"]
    older = {
        "card_version": 1,
        "operating_points": {"balanced": 0.75, "rule-out": 0.5, "rule-in": 0.9},
        "calibration": {"temperature": 2.0, "bias": 0.7},
    }
    rows = [
        "path,label,subtype,patient,part",
        *(f"{i}.png,{label},none,{i},calibration" for i, label in enumerate(["PNEUMONIA", "PNEUMONIA", "PNEUMONIA", "NORMAL"])),
        "4.png,NORMAL,none,4,train",
    ]
    put(root / "tiny" / "split.csv", "\n".join(rows) + "\n")
    put(path, json.dumps({**fields, **older}))
    card = read_card("tiny", root)
    assert card.points_at(0.75) == pytest.approx(older["operating_points"])
    assert card.cuts["balanced"] == pytest.approx(0.0)
    assert card.calibration.bias == pytest.approx(0.7 - math.log(3))


def test_card_with_a_second_output_round_trip(tmp_path):
    assert read_card("tiny", make_registry(tmp_path, subtype=True)).subtype_calibration == Calibration(4.0, 0.0)


def test_a_card_older_than_a_field_still_reads(root):
    path = root / "tiny" / "card.json"
    fields = json.loads(path.read_text())
    assert fields.pop("subtype_calibration") is None
    put(path, json.dumps(fields))
    assert read_card("tiny", root).subtype_calibration is None


def test_a_card_without_a_needed_field_is_refused_by_its_name(root):
    path = root / "tiny" / "card.json"
    fields = json.loads(path.read_text())
    del fields["heatmap_scale"]
    put(path, json.dumps(fields))
    with pytest.raises(ModelError, match="heatmap_scale"):
        read_card("tiny", root)


def test_an_unknown_model_error_names_the_known_models(root):
    with pytest.raises(ModelError, match=r"'small'.*tiny"):
        read_card("small", root)


@pytest.mark.parametrize("name", ["model.keras", "model.onnx"])
def test_one_flipped_byte_is_refused_by_name(root, name):
    path = root / "tiny" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=f"{name} was altered"):
        verified("tiny", root)


def test_missing_file_is_refused_by_name(root):
    (root / "tiny" / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"model\.onnx is missing"):
        verified("tiny", root)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "other"}, "id is 'other'"),
        ({"classes": ["SICK", "WELL"]}, "classes"),
        ({"preprocessing": "older"}, "preprocessing is 'older'"),
        ({"card_version": 99}, "card version is 99"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_card_of_another_kind_is_refused(root, changes, message):
    change_card(root, **changes)
    with pytest.raises(ModelError, match=message):
        read_card("tiny", root)


def test_damaged_card(root):
    put(root / "tiny" / "card.json", "{")
    with pytest.raises(ModelError, match="damaged"):
        read_card("tiny", root)


def test_default_is_the_lowest_loss_on_held_out_train_data(root):
    make_registry(root, "better")
    card = json.loads((root / "better" / "card.json").read_text())
    put(root / "better" / "card.json", json.dumps({**card, "selection_loss": 0.05}))
    assert list_models(root) == ["better", "tiny"]
    assert default_model(root) == "better"


def test_a_damaged_model_does_not_hide_the_others(root):
    make_registry(root, "broken")
    put(root / "broken" / "card.json", "[]")
    assert default_model(root) == "tiny"


def test_no_model_at_all(tmp_path):
    with pytest.raises(ModelError, match="No usable model"):
        default_model(tmp_path)
