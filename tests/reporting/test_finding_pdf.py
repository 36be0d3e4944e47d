import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from pypdf import PdfReader
from tiny_model import make_registry

from pneumo import __version__
from pneumo.imaging.overlay import grey_picture
from pneumo.imaging.radiograph import ImageFacts, Radiograph
from pneumo.inference.finding import Finding, Terms
from pneumo.inference.predictor import Predictor
from pneumo.registry.model_folder import ModelFolder
from pneumo.reporting.finding_pdf import report_pdf
from pneumo.reporting.finding_report import Remarks, ReportContent
from pneumo.reporting.finding_words import UNTESTED
from pneumo.reporting.paper import CUT

MADE = datetime(2026, 8, 1, 12, 24, tzinfo=timezone(timedelta(hours=2)))

NOTHING = Remarks()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A model that tells bacterial from viral, and its metrics."""
    root = make_registry(tmp_path_factory.mktemp("models"), subtype=True)
    return Predictor.load("tiny", root), ModelFolder.of("tiny", root).metrics()


def made(tiny, grey=255, shape=(80, 100), point="balanced", metrics=None, warnings=(), remarks=NOTHING, made=MADE, extra=()):
    predictor, measured = tiny
    answer = predictor.answer(np.full((224, 224), grey, np.uint8))
    finding = Finding("ok", (), warnings, "fe" * 32, "tiny", predictor.card.sha256, 0.1, answer=answer)
    facts = ImageFacts("DICOM", shape[1], shape[0], 12, 3 * 2**20, view_position="AP", patient_age="003Y")
    picture = Radiograph(np.full(shape, grey / 255, np.float32), facts)
    return ReportContent(
        finding, picture, predictor.card, measured if metrics is None else metrics, Terms(point), remarks, made, extra
    )


def text(content) -> str:
    """The page's words; there is one page."""
    (page,) = PdfReader(io.BytesIO(report_pdf(content))).pages
    return " ".join(page.extract_text().split())


def test_a_pneumonia(tiny):
    content = made(tiny)
    said = text(content)
    for part in (
        "PNEUMONIA High: speaks for pneumonia (rule-in) probability of pneumonia above 0.99 where 50 % have it",
        "threshold 0.50 0 normal 1 pneumonia",
        "From 0.75 the answer is PNEUMONIA, below 0.25 NORMAL, between them INDETERMINATE.",
        "The threshold 0.50 (operating point balanced) is for programs that need a yes or no.",
        "X-ray file Format: DICOM, 12 bits of grey, 3.0 MB; Size: 100 x 80 pixels; View: AP; Age: 003Y",
        "Date Name and signature",
        "Such a value is more than 100 times as frequent among sick children",
        "On 10 test X-rays (95 % interval):",
        "sick children called PNEUMONIA 0.90 (0.85-0.95)",
        "healthy children called PNEUMONIA 0.10 (0.05-0.15)",
        # sigmoid(1 / 4) = 0.562
        "Bacterial 0.56, viral 0.44: a second answer, not to choose antibiotics by. Its AUC is 0.80 on test pneumonias.",
        "was right in 0.90 (0.85-0.95) of the 5 test pneumonias",
        "Colour marks where the model found evidence",
        f"Model tiny, made 2026-01-01; Pneumo {__version__}",
        f"Weights SHA-256 {content.card.sha256}",
        f"X-ray file SHA-256 {32 * 'fe'}",
        "2026-08-01 12:24 local time (2026-08-01 10:24 UTC)",
        "Research use. Not a medical device. Children of 1 to 5 years, frontal view.",
        "The clinician's agreement: not stated",
        "The clinician's note: none",
    ):
        assert part in said
    assert "Reference" not in said
    assert "Warning" not in said
    assert "[cut" not in said


def test_a_normal_names_no_kind_of_pneumonia(tiny):
    said = text(made(tiny, grey=0, point="rule-in"))
    assert (
        "NORMAL Low: speaks against pneumonia (rule-out) probability of pneumonia below 0.01 where 50 % have it threshold 0.75"
        in said
    )
    assert "acterial" not in said
    assert "The model finds no pneumonia" in said
    assert "the map is empty" in said


def test_utc_is_said_once(tiny):
    assert "2026-08-01 10:24 UTC Research" in text(made(tiny, made=datetime(2026, 8, 1, 10, 24, tzinfo=UTC)))


def test_without_a_test_split_it_says_so(tiny):
    said = text(made(tiny, metrics={"validation": tiny[1]["test"]}))
    assert UNTESTED in said
    assert "Its AUC is 0.80 on validation pneumonias." in said
    assert "called PNEUMONIA" not in said


def test_remarks_warnings_and_extra_rows_are_printed(tiny):
    remarks = Remarks("Cough for 4 days, $2^2$ кашель", "disagree", "Bed 4", "PNEUMONIA")
    said = text(made(tiny, remarks=remarks, warnings=("Turned by 90 degrees.",), extra=(("Heat inside the lungs", "74 %"),)))
    assert "Reference Bed 4" in said
    assert "Warning Turned by 90 degrees." in said
    assert "Heat inside the lungs 74 %" in said
    assert "agreement: disagree, with the answer PNEUMONIA" in said
    assert "note: Cough for 4 days, $2^2$ кашель" in said


def test_agreement_with_another_answer_is_not_carried_over(tiny):
    said = text(made(tiny, grey=0, remarks=Remarks("seen", "agree", "", "PNEUMONIA")))
    assert "agreement: not stated" in said
    assert "note: seen" in said


def test_characters_missing_from_the_font_are_shown_and_explained(tiny):
    said = text(made(tiny, remarks=Remarks("咳嗽 \x07\ud800 $")))
    assert "note: □□ □ $" in said
    assert "□ stands for a character that this report cannot print" in said


@pytest.mark.parametrize("shape", [(80, 100), (300, 90), (60, 900)])
def test_a_long_note_is_cut_above_the_foot_with_a_mark(tiny, shape):
    many = tuple((f"row {number}", "further lines of text " * 9) for number in range(3))
    content = made(
        tiny,
        shape=shape,
        remarks=Remarks("crackles on the left " * 400, "agree", "reference " * 50, "PNEUMONIA"),
        warnings=("A warning that needs more than one line of this page. " * 4,) * 3,
        extra=many,
    )
    (page,) = PdfReader(io.BytesIO(report_pdf(content))).pages
    places = []
    page.extract_text(visitor_text=lambda piece, outer, inner, *_: places.append((piece, outer[5] + inner[5])))
    foot = next(y for piece, y in places if piece.startswith("Model tiny"))
    assert min(y for piece, y in places if "crackles" in piece) > foot + 10
    assert min(y for piece, y in places if piece.strip()) > 5
    assert "crackles" in next(line for line in reversed(page.extract_text().splitlines()) if CUT.strip() in line)
    assert page.extract_text().count("A warning that needs") == 12


def test_rows_without_room_are_counted(tiny):
    said = text(made(tiny, extra=tuple((f"row {number}", "text") for number in range(60))))
    assert "row 0 text row 1 text" in said
    left_out = int(re.search(r"\[cut: entries without room: (\d+)\]", said)[1])
    assert left_out == 60 - len(re.findall(r"row \d+ text", said)) > 0
    assert "note: none" in said


def test_pictures_have_their_own_pixels_and_aspect(tiny):
    content = made(tiny)
    ramp = np.tile(np.linspace(0, 1, 900, dtype=np.float32), (60, 1))
    content = replace(content, picture=replace(content.picture, pixels=ramp))
    (page,) = PdfReader(io.BytesIO(report_pdf(content))).pages
    plain, overlay, _ = (np.asarray(each.image.convert("RGB")) for each in page.images)
    assert np.array_equal(plain, grey_picture(ramp))
    assert overlay.shape == (60, 900, 3)
    full, over = (252, 253, 191), plain[30, 450]  # the last colour of magma, covering the picture by 0.6
    assert overlay[30, 450] == pytest.approx(0.6 * np.array(full) + 0.4 * over, abs=1)
    assert np.array_equal(overlay[0], plain[0])  # the rim, which the model is not shown


def test_a_large_picture_is_shrunk(tiny):
    (page,) = PdfReader(io.BytesIO(report_pdf(made(tiny, shape=(1500, 3000))))).pages
    assert page.images[0].image.size == (1200, 600)


def test_one_a4_page_with_embedded_fonts_and_sober_metadata(tiny):
    content = made(tiny, remarks=Remarks("a note", "agree", "Zwetschgenbaum", "PNEUMONIA"))
    document = PdfReader(io.BytesIO(report_pdf(content)))
    (page,) = document.pages
    assert [float(side) for side in page.mediabox] == [0, 0, 595, 842]
    assert {key: document.metadata[key] for key in ("/Title", "/Creator", "/CreationDate")} == {
        "/Title": "Pneumo report",
        "/Creator": f"Pneumo {__version__}",
        "/CreationDate": "D:20260801102400Z",
    }
    assert set(document.metadata) == {"/Title", "/Creator", "/CreationDate"}
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        (drawn,) = font["/DescendantFonts"]
        assert "/FontFile2" in drawn.get_object()["/FontDescriptor"]  # its glyphs are inside the file


def test_the_summary_stands_above_the_pictures_and_the_page_is_full(tiny):
    (page,) = PdfReader(io.BytesIO(report_pdf(made(tiny)))).pages
    places = {}
    page.extract_text(visitor_text=lambda said, outer, inner, *_: places.setdefault(said.strip(), outer[5] + inner[5]))
    starts = ("PNEUMONIA", "The model calls", "From 0.75", "The X-ray, as", "The clinician's note", "Name and sig", "Model tiny")
    order = [next(y for said, y in places.items() if said.startswith(start)) for start in starts]
    assert order == sorted(order, reverse=True)
    lines = re.findall(rb"42\.00 ([\d.]+) m 553\.00 \1 l", page.get_contents().get_data())
    assert len(lines) > 5  # space to write by hand, between note and signature


def test_right_to_left_text_is_shaped(tiny):
    content = made(tiny, remarks=Remarks("سعال لمدة أربعة أيام"))
    assert "سعال لمدة أربعة أيام" in text(content)
    assert "cannot print" not in text(content)


def test_same_content_same_bytes(tiny):
    content = made(tiny)
    assert report_pdf(content) == report_pdf(content)


def test_a_doubted_map_is_left_out_with_the_reason(tiny):
    said = text(replace(made(tiny), heat_doubt="This model's heatmap does no better than chance."))
    assert "This model's heatmap does no better than chance. It is left out." in said
    assert "Colour marks" not in said
    assert "With heatmap" not in said
    assert "With heatmap" in text(made(tiny))
