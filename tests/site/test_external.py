"""Generated files with the names of the table: they test the code; no figure comes from a real child."""

import json
from collections import Counter

import pytest
from grey_sites import HEALTHY, SICK, grey_picture
from tiny_model import make_registry

from pneumo.cli.main import main
from pneumo.errors import DataError
from pneumo.site.external import LIKE, OTHER, external_cases, listed

pytestmark = pytest.mark.usefixtures("ungated")


def test_the_table_is_whole():
    rows = listed()
    assert len(rows) == len({row["image"] for row in rows}) == 694
    assert len({row["patient"] for row in rows}) == 371
    assert Counter(row["label"] for row in rows) == {"NORMAL": 421, LIKE: 215, OTHER: 58}
    assert {row["view"] for row in rows} == {"AP", "PA"}
    assert max(int(row["age"]) for row in rows) == 6


@pytest.fixture
def images(tmp_path, monkeypatch):
    """The first 12 NORMAL, 10 PNEUMONIA-LIKE and 3 OTHER of the table; one NORMAL looks sick."""
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    folder = tmp_path / "images_001" / "images"
    folder.mkdir(parents=True)
    for label, count, grey in (("NORMAL", 12, HEALTHY), (LIKE, 10, SICK), (OTHER, 3, 128)):
        for number, row in enumerate([row for row in listed() if row["label"] == label][:count]):
            (folder / row["image"]).write_bytes(grey_picture(SICK if (label, number) == ("NORMAL", 0) else grey, number))
    (folder / "00000001_000.png").write_bytes(grey_picture(HEALTHY))  # an adult's: not in the table
    return tmp_path


def test_auc_by_age_and_view_gate_and_frame(images, capsys):
    assert main(["external-check", "nih-children", str(images), "--model", "tiny", "--output", str(images / "out.json")]) == 0
    out = capsys.readouterr()
    result = json.loads(out.out)
    assert json.loads((images / "out.json").read_text()) == result
    assert (result["images"], result["not_there"]) == (25, 669)
    whole = result["auc"][0]
    assert (whole["normal"], whole["like"]) == (12, 10)
    assert whole["auc"]["value"] == pytest.approx((11 * 10 + 5) / 120)
    assert whole["auc"]["low"] < whole["auc"]["value"] <= whole["auc"]["high"]
    assert {each["by"] for each in result["auc"]} == {"all", "age", "view"}
    assert sum(each["normal"] for each in result["auc"] if each["by"] == "age") == 12
    assert result["called"][OTHER]["INDETERMINATE"]["value"] == 1
    assert result["gate"][0]["refused"] == 0
    assert "text-mined" in result["said"]
    assert "669 images of the table are not in" in out.err


def test_other_findings_do_not_count_in_the_auc(images):
    both, other, missing = external_cases(images)
    assert (len(both), len(other), missing) == (22, 3, 669)
    assert not {case.name for case in other} & {case.name for case in both}


def test_with_one_class_the_auc_is_undefined(images, capsys):
    for row in listed():
        if row["label"] == LIKE:
            (images / "images_001" / "images" / row["image"]).unlink(missing_ok=True)
    assert main(["external-check", "nih-children", str(images), "--model", "tiny"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["auc"][0]["auc"] == {"value": None, "low": None, "high": None}
    assert result["called"][LIKE]["NORMAL"]["value"] is None


def test_a_broken_image_is_named_and_stops_no_other(images, capsys):
    name = next(row["image"] for row in listed() if row["label"] == LIKE)
    (images / "images_001" / "images" / name).write_bytes(b"no image")
    assert main(["external-check", "nih-children", str(images), "--model", "tiny"]) == 1
    out = capsys.readouterr()
    assert f"{name}: error" in out.err
    assert json.loads(out.out)["auc"][0]["like"] == 9


def test_folders_without_images_or_with_one_twice(images, tmp_path):
    with pytest.raises(DataError, match="No folder"):
        external_cases(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="none of the 694"):
        external_cases(tmp_path / "empty")
    (tmp_path / "copy").mkdir()
    row = next(row for row in listed() if row["label"] == LIKE)
    (tmp_path / "copy" / row["image"]).write_bytes(grey_picture(SICK))
    with pytest.raises(DataError, match="twice"):
        external_cases(tmp_path)
