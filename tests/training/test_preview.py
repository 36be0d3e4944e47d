import io
import sys

import numpy as np
import pytest
from makers import png_bytes, ramp
from PIL import Image

from pneumo.errors import ImageError, RunError
from pneumo.imaging.preprocess import InputSpec, model_input
from pneumo.training import preview
from pneumo.training.jobs.process import python


@pytest.mark.long
def test_sheet_from_a_separate_process(tmp_path):
    """The original, a ramp that rises to the right, is on the left; beside it are eight different draws."""
    (tmp_path / "ramp.png").write_bytes(png_bytes(ramp(256, 256)))
    sheet = np.asarray(Image.open(io.BytesIO(preview.render_preview(1.0, 3, tmp_path / "ramp.png", lung_centred=False))))
    assert sheet.shape == (390, 1182)
    original = sheet[:, :390].astype(int)
    assert original[200, 350] > original[200, 200] > original[200, 40]
    tiles = [sheet[y : y + 192, x : x + 192] for y in (0, 198) for x in range(396, 1182, 198)]
    assert len({tile.tobytes() for tile in tiles}) == 8


def test_strength_0_changes_nothing():
    image = preview.sample(None, 5)
    sheet = preview.contact_sheet(image, 0.0, 5)
    tiles = [sheet[y : y + 192, x : x + 192] for y in (0, 198) for x in range(396, 1182, 198)]
    assert all((tile == tiles[0]).all() for tile in tiles)
    assert np.abs(tiles[0][::2, ::2].astype(int) - image[16:208:2, 16:208:2]).mean() < 1


def test_a_lung_centred_network_gets_the_box_of_the_lungs():
    """Without augmentation every tile is the box stretched to a square, without the frame's corner."""
    image = preview.sample(None, 5)
    box = preview.lungs_of(image)
    assert 0.4 < box.width < 0.95
    sheet = preview.contact_sheet(image, 0.0, 5, box=box)
    expected = model_input(image, InputSpec(192, 0, lung_centred=True), box)[..., 0]
    np.testing.assert_allclose(sheet[:192, 396:588], expected * 255, atol=0.51)
    assert np.abs(sheet[:192, 396:588].astype(int) - preview.contact_sheet(image, 0.0, 5)[:192, 396:588]).mean() > 5


def test_draws_use_the_smallest_area_of_training():
    """On a ramp, draws of at least 30 % of the area span fewer greys than draws of all of it."""
    image = np.tile(np.arange(224, dtype=np.uint8), (224, 1))
    spans = []
    for crop in (1.0, 0.3):
        sheet = preview.contact_sheet(image, 1.0, 5, crop)
        tiles = [sheet[y : y + 192, x : x + 192] for y in (0, 198) for x in range(396, 1182, 198)]
        spans.append(np.mean([np.ptp(np.percentile(tile, (5, 95))) for tile in tiles]))
    assert spans[1] < 0.9 * spans[0]


def test_a_sample_without_lungs_is_reported(tmp_path, capsys):
    (tmp_path / "ramp.png").write_bytes(png_bytes(ramp(256, 256)))
    assert preview.main([f"--file={tmp_path / 'ramp.png'}", "--lung-centred"]) == 1
    assert "no lungs to show" in capsys.readouterr().err


def test_a_file_that_is_not_an_image(tmp_path, capsys):
    (tmp_path / "letter.png").write_text("Dear colleague")
    with pytest.raises(ImageError):
        preview.sample(tmp_path / "letter.png", 0)
    assert preview.main([f"--file={tmp_path / 'letter.png'}"]) == 1
    assert capsys.readouterr().err


def test_a_process_that_fails_is_reported(monkeypatch):
    monkeypatch.setattr(preview, "python", lambda *words: python("-c", "import sys; sys.exit('no room for Keras')"))
    with pytest.raises(RunError, match="no room for Keras"):
        preview.render_preview(1.0, 0)
    monkeypatch.setattr(preview, "python", lambda *words: [sys.executable + "-absent"])
    with pytest.raises(RunError, match="could not be made"):
        preview.render_preview(1.0, 0)
