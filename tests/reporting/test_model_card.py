import csv
import json

from stored_metrics import make_evaluated_registry
from tiny_model import make_registry, put
from tiny_reference import change_card

from pneumo.data.origin import PUBLIC
from pneumo.data.split import COLUMNS
from pneumo.registry.models import read_card
from pneumo.reporting.evaluated import read_evaluated
from pneumo.reporting.model_card import card_markdown


def test_a_model_with_one_output_says_nothing_of_kinds(tmp_path):
    text = card_markdown("tiny", make_registry(tmp_path))
    assert "acterial" not in text
    assert "## Test split: 10 images of 9 patients" in text
    assert "The test split chose no epoch, calibration or operating point" in text


def test_the_second_output_with_its_figures(tmp_path):
    text = card_markdown("tiny", make_registry(tmp_path, subtype=True))
    assert "- Second output, bacterial against viral: logit / 4.000 +0.000" in text
    assert "on the 5 pneumonias of known kind: AUC 0.800 (0.700-0.850)" in text
    assert "viral found 0.900 (0.850-0.950)" in text


def test_without_a_test_split_nothing_is_claimed_of_one(tmp_path):
    root = make_registry(tmp_path)
    path = root / "tiny" / "metrics.json"
    put(path, json.dumps({"validation": json.loads(path.read_text())["test"]}))
    text = card_markdown("tiny", root)
    assert "## Validation split" in text
    assert "was not evaluated on a test split" in text
    assert "chose nothing" not in text


def test_the_card_says_only_what_the_folder_says(tmp_path):
    """Every user's model has this card: it must not describe how the shipped models were made."""
    text = card_markdown("tiny", make_registry(tmp_path))
    assert "- Selection: Not told in this folder." in text
    assert "The flow of participants cannot be told: split.csv is not stored." in text
    for shipped in ("Kermany", "Guangzhou", "resnet50", "ResNet", "skull", "docs/"):
        assert shipped not in text


def test_origin_of_the_public_set(tmp_path):
    root = make_registry(tmp_path)
    change_card(root, "tiny", data=PUBLIC)
    text = card_markdown("tiny", root)
    assert "- Reference standard: The diagnosis of two expert physicians" in text
    assert "read it as case-control" in text
    assert "neither the age nor the sex of any one is told" in text


def test_flow_of_participants(tmp_path):
    root = make_registry(tmp_path)
    rows = [
        ("a", "NORMAL", "1", "train"),
        ("b", "PNEUMONIA", "2", "train"),
        ("c", "PNEUMONIA", "2", "train"),
        ("d", "NORMAL", "3", "test"),
        ("e", "PNEUMONIA", "4", "test"),
        ("f", "PNEUMONIA", "5", "excluded"),
    ]
    with open(root / "tiny" / "split.csv", "w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *((path, label, "none", patient, part) for path, label, patient, part in rows)])
    path = root / "tiny" / "metrics.json"
    stored = json.loads(path.read_text())
    put(path, json.dumps({"test": {**stored["test"], "unanswered": {"NORMAL": 2, "PNEUMONIA": 0}}}))
    flow = card_markdown("tiny", root).split("```")[1]
    assert flow.splitlines()[1:] == [
        "all: 6 images of 5 patients (2 NORMAL, 4 PNEUMONIA)",
        "├─ train: 3 images of 2 patients (1 NORMAL, 2 PNEUMONIA) -> the weights",
        "├─ test: 2 images of 2 patients (1 NORMAL, 1 PNEUMONIA) -> figures",
        "│  └─ answered: 10 images of 9 patients; no lungs found: 2 NORMAL",
        "└─ excluded: 1 images of 1 patients (0 NORMAL, 1 PNEUMONIA) -> nearly the same picture as a test image",
    ]


def test_open_answers_subgroups_sample_size_and_monitoring(tmp_path):
    root = make_evaluated_registry(tmp_path, "one", splits=("test",))
    text = card_markdown("one", root)
    predictions = read_evaluated("one", "test", root).predictions
    unsure = (predictions.probabilities >= 0.25) & (predictions.probabilities < 0.75)
    assert f"| INDETERMINATE | {unsure[predictions.labels == 1].mean():.3f} (" in text
    assert "is INDETERMINATE: it is told as such, neither right nor wrong" in text
    assert "| PNEUMONIA, viral | 20 |" in text
    assert "Sample size: none was calculated beforehand" in text
    assert "the model learns nothing from what it is shown" in text
    assert "## Cautions" not in text


def test_cautions_with_what_they_catch(tmp_path):
    root = make_registry(tmp_path)
    right, wrong = {"value": 0.04, "low": 0.02, "high": 0.08}, {"value": 0.4, "low": 0.2, "high": 0.63}
    told = {
        "model_sha256": read_card("tiny", root).sha256,
        "others": {},
        "cautions": {"heat": {"limits": {"PNEUMONIA": 0.3}, "right": right, "wrong": wrong}},
    }
    put(root / "tiny" / "cautions.json", json.dumps(told))
    assert "| heat | 0.040 (0.020-0.080) | 0.400 (0.200-0.630) |" in card_markdown("tiny", root)
    put(root / "tiny" / "cautions.json", "{}")
    assert "## Cautions" not in card_markdown("tiny", root)
