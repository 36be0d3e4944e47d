"""The eye's window on the Diagnose page: what it shows, that it is kept with its X-ray, and that no answer hangs on it."""

import numpy as np
import pytest
from makers import dicom_bytes, ramp
from opened_app import open_app
from tiny_model import make_registry

from pneumo.imaging.overlay import png
from pneumo.imaging.windowing import GreyValues, Window
from pneumo.ui.diagnose.window import FULL_RANGE, TABLE, presets

R12 = ramp(height=80, width=120, top=4095, dtype=np.uint16)
FILE = {
    "BitsStored": 12,
    "WindowCenter": [2000, 1000],
    "WindowWidth": [3000, 500],
    "WindowCenterWidthExplanation": ["NORMAL", "HARDER"],
}
DEEP = ("deep.dcm", dicom_bytes(R12, **FILE), "application/dicom")
FLAT = ("flat.png", png(np.full((80, 120), 200, np.uint8)), "image/png")
FIRST, SECOND = "window 1 of the file (normal)", "window 2 of the file (harder)"


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    return open_app()


def drop(app, *files):
    app.file_uploader[0].set_value(list(files)).run()
    assert not app.exception
    return app


def control(app, label):
    (found,) = [each for each in (*app.selectbox, *app.slider, *app.button) if each.label == label]
    return found


def labels(app) -> set[str]:
    return {each.label for each in (*app.selectbox, *app.slider)}


def shown(app) -> tuple[object, str]:
    """(preset, centre, width) of the open case, and what the page says of the answer."""
    return app.session_state["cases"][0].window, "\n".join(
        each.proto.body for each in app.get("html") if "probability" in each.proto.body
    )


def test_a_deep_dicom_has_centre_and_width_all_else_percent(app):
    drop(app, DEEP, FLAT)
    assert {"Window", "Window centre", "Window width"} <= labels(app)
    assert "Grey window" not in labels(app)
    control(app, "Next").click().run()
    assert "Grey window" in labels(app)
    assert not {"Window", "Window centre", "Window width"} & labels(app)


def test_8_bits_have_percent(app):
    drop(app, ("eight.dcm", dicom_bytes(ramp(height=80, width=120)), "application/dicom"))
    assert "Grey window" in labels(app)
    assert "Window" not in labels(app)


def test_presets_sliders_and_reset_change_the_view_and_never_the_answer(app):
    drop(app, DEEP)
    window, answer = shown(app)
    assert window == (FIRST, 2000.0, 3000.0)
    assert control(app, "Window").options == [FIRST, SECOND, FULL_RANGE, "set by hand"]
    assert control(app, "Reset window").disabled
    control(app, "Window").set_value(SECOND).run()
    assert shown(app) == ((SECOND, 1000.0, 500.0), answer)
    control(app, "Window width").set_value(1200.0).run()
    assert shown(app) == (("set by hand", 1000.0, 1200.0), answer)
    control(app, "Window").set_value(FULL_RANGE).run()
    assert shown(app) == ((FULL_RANGE, 2048.0, 4096.0), answer)
    control(app, "Reset window").click().run()
    assert shown(app) == (window, answer)
    assert not app.exception


def test_each_x_ray_keeps_its_own_window(app):
    other = ("other.dcm", dicom_bytes(R12 // 2, BitsStored=12), "application/dicom")
    drop(app, DEEP, other)
    control(app, "Window centre").set_value(1234.0).run()
    control(app, "Next").click().run()
    assert control(app, "Window").value == FULL_RANGE
    control(app, "Previous").click().run()
    assert control(app, "Window centre").value == 1234.0
    app.switch_page("pages/about.py").run()
    app.switch_page("pages/diagnose.py").run()
    assert shown(app)[0] == ("set by hand", 1234.0, 3000.0)
    control(app, "Clear all").click().run()
    assert app.session_state["cases"] == []


def test_the_picture_follows_the_window(app, monkeypatch):
    drawn = []
    monkeypatch.setattr("pneumo.ui.diagnose.viewer.overlay_picture", lambda plain, *_: drawn.append(plain) or plain)
    drop(app, DEEP)
    control(app, "Window").set_value(SECOND).run()
    row = drawn[-1][0, :, 0] / 255
    expected = np.clip((R12[0] - 999.5) / 499 + 0.5, 0, 1)
    np.testing.assert_allclose(row, expected, atol=0.003)
    control(app, "Reset window").click().run()
    np.testing.assert_allclose(drawn[-1][0, :, 0] / 255, np.clip((R12[0] - 1999.5) / 2999 + 0.5, 0, 1), atol=0.003)


@pytest.mark.parametrize(
    ("elements", "first"),
    [
        ({"WindowCenter": 1e30, "WindowWidth": 1e-9}, "window 1 of the file"),  # out of any slider's reach
        ({"WindowCenter": 1, "WindowWidth": 2, "RescaleSlope": "1e-5", "RescaleIntercept": 0}, "window 1 of the file"),
        ({"RescaleSlope": "1e30", "RescaleIntercept": 0}, None),
        ({"WindowCenter": 1, "WindowWidth": 2, "PixelData": np.full((80, 120), 9, np.uint16).tobytes()}, None),  # no span
    ],
)
def test_strange_windows_do_not_break_the_page(app, elements, first):
    drop(app, ("strange.dcm", dicom_bytes(R12, BitsStored=12, **elements), "application/dicom"))
    assert ("Window" in labels(app)) == (first is not None)
    if first:
        assert control(app, "Window").value == first
        control(app, "Window").set_value(FULL_RANGE).run()
        assert not app.exception


def test_the_default_presentation_comes_first():
    stored = np.array([[0, 100]], np.uint16)
    soft = (Window("soft", 50, 20),)
    assert list(presets(GreyValues(stored, 1.0, 0.0, False))) == [FULL_RANGE]
    assert list(presets(GreyValues(stored, 1.0, 0.0, False, windows=soft))) == ["soft", FULL_RANGE]
    assert list(presets(GreyValues(stored, 1.0, 0.0, False, windows=soft, has_table=True))) == [TABLE, "soft", FULL_RANGE]
    assert presets(GreyValues(stored, 2.0, 10.0, False))[FULL_RANGE] == (110.5, 201.0)
    assert presets(GreyValues(stored, 0.001, 0.0, False))[FULL_RANGE] == pytest.approx((0.05, 0.1))
