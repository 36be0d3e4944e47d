"""What the Diagnose page sends to the viewer in the browser; answers and downloads do not depend on it."""

import io

import numpy as np
import pytest
from makers import dicom_bytes, ramp
from opened_app import open_app
from opened_parcel import opened
from PIL import Image
from tiny_model import make_registry

from pneumo.imaging.overlay import png
from pneumo.inference.finding import Terms
from pneumo.inference.predictor import Predictor
from pneumo.ui.diagnose import viewer

pytestmark = pytest.mark.usefixtures("ungated")

R12 = ramp(height=80, width=120, top=4095, dtype=np.uint16)
FILE = {
    "BitsStored": 12,
    "WindowCenter": [2000, 1000],
    "WindowWidth": [3000, 500],
    "WindowCenterWidthExplanation": ["NORMAL", "HARDER"],
}
DEEP = ("deep.dcm", dicom_bytes(R12, **FILE), "application/dicom")
FLAT = ("flat.png", png(np.full((80, 120), 200, np.uint8)), "image/png")
LETTER = ("letter.jpg", b"Dear colleague", "image/jpeg")


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    return open_app()


def drop(app, *files):
    app.file_uploader[0].set_value(list(files)).run()
    assert not app.exception
    return app


def parcels(app) -> list[bytes]:
    return [each.proto.bytes for each in app.get("bidi_component")]


def given(app) -> tuple[dict, dict[str, np.ndarray]]:
    (parcel,) = parcels(app)
    return opened(parcel)


def press(app, label):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def test_a_12_bit_dicom_is_sent_with_its_own_values_and_windows(app):
    header, arrays = given(drop(app, DEEP))
    np.testing.assert_array_equal(arrays["values"], R12)
    assert [(each["name"], each["centre"], each["width"]) for each in header["picture"]["presets"]] == [
        ("window 1 of the file (normal)", 2000, 3000),
        ("window 2 of the file (harder)", 1000, 500),
        ("full range of the picture", 2048, 4096),
    ]
    assert "deep" not in str(header)  # not the file's name


def test_other_pictures_are_sent_as_grey_levels(app):
    header, arrays = given(drop(app, FLAT))
    assert arrays["values"].dtype == np.uint8
    assert set(np.unique(arrays["values"])) == {200}
    assert header["picture"]["presets"][0] == {"name": "as stored", "centre": 127.5, "width": 255.0}
    assert header["picture"]["spacing"] is None


def test_a_16_bit_png_stays_16_bit(app):
    deep = io.BytesIO()
    Image.fromarray((R12 * 16).astype(np.uint16)).save(deep, "PNG")
    _, arrays = given(drop(app, ("deep.png", deep.getvalue(), "image/png")))
    np.testing.assert_array_equal(arrays["values"], R12 * 16)


def test_each_x_ray_has_its_own_viewer(app):
    """Under its own key, so that the browser starts afresh and nothing of the X-ray before remains."""
    drop(app, DEEP, FLAT)
    first = app.get("bidi_component")[0].proto
    press(app, "Next")
    second = app.get("bidi_component")[0].proto
    assert first.id != second.id
    assert opened(first.bytes)[0]["key"] != opened(second.bytes)[0]["key"]


def test_a_rerun_sends_the_same_bytes(app):
    before = parcels(drop(app, DEEP))
    app.slider(key="prevalence").set_value(10).run()
    assert parcels(app) == before


def test_another_model_shows_its_own_heat_over_the_same_values(tmp_path, monkeypatch):
    root = make_registry(make_registry(tmp_path / "models"), "other")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    app = drop(open_app(), DEEP)
    asked = app.session_state["viewer_parcel"][0]
    models = app.selectbox(key="model")
    models.set_value(next(model for model in models.options if model != models.value)).run()
    assert not app.exception
    assert app.session_state["viewer_parcel"][0] != asked
    np.testing.assert_array_equal(given(app)[1]["values"], R12)


def test_a_file_without_an_answer_has_no_viewer(app):
    assert parcels(drop(app, LETTER)) == []


def test_clear_all_forgets_what_the_viewer_got(app):
    drop(app, DEEP)
    assert "viewer_parcel" in app.session_state
    press(app, "Clear all")
    assert "viewer_parcel" not in app.session_state


def test_a_download_has_the_files_own_greys(app):
    drop(app, DEEP)
    (case,) = app.session_state["cases"]
    picture = np.asarray(Image.open(io.BytesIO(viewer._overlay_png(case, Predictor.load("tiny"), Terms("balanced", 0.3)))))
    row = picture[[len(line) and line.max() > 0 for line in picture[..., 0]]][40, :, 0]  # below the notice
    np.testing.assert_allclose(row[:20] / 255, np.clip((R12[0, :20] - 1999.5) / 2999 + 0.5, 0, 1), atol=0.01)


@pytest.mark.parametrize(
    "elements",
    [
        {"WindowCenter": 1e30, "WindowWidth": 1e-9},
        {"WindowCenter": 1, "WindowWidth": 2, "RescaleSlope": "1e-5", "RescaleIntercept": 0},
        {"RescaleSlope": "1e30", "RescaleIntercept": 0},
        {"WindowCenter": 1, "WindowWidth": 2, "PixelData": np.full((80, 120), 9, np.uint16).tobytes()},  # no span
    ],
)
def test_strange_windows_do_not_break_the_page(app, elements):
    drop(app, ("strange.dcm", dicom_bytes(R12, BitsStored=12, **elements), "application/dicom"))
    assert all(np.isfinite([each["centre"], each["width"]]).all() for each in given(app)[0]["picture"]["presets"])
