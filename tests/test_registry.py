import json

import pytest
from tiny_model import make_registry, put

from pneumo.errors import ModelError
from pneumo.evaluation.calibration import Calibration
from pneumo.registry import default_model, list_models, read_card, verified


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


def test_unknown_model_names_the_known(root):
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
