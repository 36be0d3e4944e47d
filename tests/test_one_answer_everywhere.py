"""One file has the same verdict, number and warning on the page, the worklist, in CSV, JSON, table, PDF, SR and capture."""

import csv
import io
import json

import numpy as np
import pydicom
import pytest
from exchange.dx import dx_dataset, file_of
from opened_app import open_app
from PIL import Image
from pypdf import PdfReader
from tiny_model import make_registry

from pneumo.cli.main import main
from pneumo.inference.finding import Terms, judge
from pneumo.labels import Zone
from pneumo.registry.models import read_card
from pneumo.reporting.captioned import caption_lines
from pneumo.reporting.finding_words import in_words

pytestmark = pytest.mark.slow

ADULT, PREVALENCE = "The patient is an adult.", 0.2


def chest(grey: int, age: str = "002Y") -> bytes:
    """A DICOM whose mean grey determines the answer of the tiny model."""
    shades = np.clip(grey + 0.25 * (np.arange(160) - 79.5), 0, 255)
    picture = np.tile(shades, (160, 1))
    dataset = dx_dataset(PatientAge=age)
    dataset.PixelData = np.rint(picture / 255 * 4095).astype(np.uint16).tobytes()
    return file_of(dataset)


CASES = {"ordinary": (200, "002Y"), "open": (135, "002Y"), "adult": (60, "040Y")}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    monkeypatch.setenv("PNEUMO_PREVALENCE", str(PREVALENCE))
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_an_answer_is_the_same_everywhere(name, folder, capsys):
    file = folder / f"{name}.dcm"
    file.write_bytes(chest(*CASES[name]))

    def printed(*words: str) -> str:
        assert main([*words]) == 0
        return capsys.readouterr().out

    row = json.loads(printed("predict", str(file), "--format", "json"))
    zone = Zone(row["zone"])
    shown, warned = in_words(row["probability"]), any(ADULT in warning for warning in row["warnings"])
    assert row["verdict"] == zone.verdict == {"ordinary": "PNEUMONIA", "open": "INDETERMINATE", "adult": "NORMAL"}[name]
    assert warned is (name == "adult")
    odds = row["likelihood_ratio"] * PREVALENCE / (1 - PREVALENCE)
    assert (row["prevalence"], row["probability"]) == (PREVALENCE, pytest.approx(odds / (1 + odds)))

    (line,) = csv.DictReader(io.StringIO(printed("predict", str(file), "--format", "csv")))
    assert (line["verdict"], float(line["probability"])) == (row["verdict"], pytest.approx(row["probability"]))
    assert (ADULT in line["warnings"]) is warned

    table = printed("predict", str(file))
    assert row["verdict"] in table
    assert zone.in_words in table
    assert shown in table
    assert (ADULT in table) is warned

    opinion = json.loads(printed("second-opinion", str(file)))
    assert (opinion["verdict"], opinion["probability"]) == (row["verdict"], pytest.approx(row["probability"]))
    assert any(ADULT in warning for warning in opinion["warnings"]) is warned

    printed("report", str(file), "--output", str(folder / "page.pdf"), "--no-second-opinion")
    (page,) = PdfReader(folder / "page.pdf").pages
    paper = " ".join(page.extract_text().split())
    assert f"{row['verdict']} {zone.in_words} ({zone}) probability of pneumonia {shown} where 20 % have it" in paper
    assert (ADULT in paper) is warned

    printed("dicom", str(file), "--output", str(folder / "results"), "--objects", "report,capture,pdf,seg")
    report = pydicom.dcmread(next((folder / "results").glob("*-report.dcm"))).to_json()
    assert {"PNEUMONIA": "233604007", "INDETERMINATE": '"OPEN"', "NORMAL": '"NO-PNEUMONIA"'}[row["verdict"]] in report
    assert f"{row['probability']:.6g}"[:6] in report
    assert (ADULT in report) is warned
    assert next((folder / "results").glob("*-capture.dcm")).is_file()
    document = pydicom.dcmread(next((folder / "results").glob("*-pdf.dcm"))).EncapsulatedDocument
    (page,) = PdfReader(io.BytesIO(document)).pages
    filed = " ".join(page.extract_text().split())
    assert f"{row['verdict']} {zone.in_words} ({zone}) probability of pneumonia {shown} where 20 % have it" in filed
    assert (ADULT in filed) is warned

    app = open_app()
    app.file_uploader[0].set_value([(file.name, file.read_bytes(), "application/dicom")]).run()
    drawn = " ".join(element.proto.body for element in (*app.get("html"), *app.markdown))
    assert f">{row['verdict']}</div>" in drawn
    assert f">{zone.in_words}</div>" in drawn
    assert f"<b>{shown}</b> <small>where 20 % of the patients have it" in drawn
    assert any(ADULT in warning.value for warning in app.warning) is warned

    app.switch_page("pages/worklist.py").run()
    app.file_uploader[0].set_value([(file.name, file.read_bytes(), "application/dicom")]).run()
    (listed,) = app.dataframe[0].value.to_dict("records")
    assert (listed["label"], listed["zone"]) == (row["verdict"], zone.in_words)
    assert listed["probability"] == pytest.approx(np.clip(row["probability"], 0.01, 0.99))
    assert (ADULT in listed["warnings"]) is warned


def test_the_caption_burned_into_pictures(folder):
    reading = judge(0.4, read_card("tiny"), Terms("balanced", 0.2))
    lines = caption_lines(reading, "tiny", (ADULT,))
    assert lines[0] == f"INDETERMINATE, probability {in_words(reading.probability)} where 20 % of the patients have pneumonia, tiny"
    assert lines[1] == f"WARNING: {ADULT}"


def test_a_refused_file_has_a_reason_and_no_number_anywhere(folder, capsys):
    file = folder / "flat.png"
    Image.new("L", (300, 300), 255).save(file)
    assert main(["predict", str(file), "--format", "json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["status"] == "rejected"
    for name in ("verdict", "label", "zone", "probability", "likelihood_ratio", "threshold"):
        assert row[name] is None
    reason = row["reasons"][0]
    for words in (
        ["predict", str(file)],
        ["report", str(file), "--output", str(folder / "page.pdf")],
        ["second-opinion", str(file)],
    ):
        main(words)
        told = capsys.readouterr()
        assert reason in told.out + told.err
    assert not (folder / "page.pdf").exists()
    app = open_app()
    app.file_uploader[0].set_value([(file.name, file.read_bytes(), "image/png")]).run()
    assert any(reason in error.value.replace("\\", "") for error in app.error)
    assert 'class="probability"' not in " ".join(element.proto.body for element in (*app.get("html"), *app.markdown))
