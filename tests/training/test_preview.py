import io
import sys

import numpy as np
import pytest
from makers import png_bytes, ramp
from PIL import Image

from pneumo.errors import ImageError, RunError
from pneumo.training import preview
from pneumo.training.jobs_process import python


def test_sheet_in_a_process_of_its_own(tmp_path):
    """Left the image itself, a ramp that rises to the right; beside it eight draws, no two alike."""
    (tmp_path / "ramp.png").write_bytes(png_bytes(ramp(256, 256)))
    sheet = np.asarray(Image.open(io.BytesIO(preview.preview(1.0, 3, tmp_path / "ramp.png"))))
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


def test_a_file_that_is_no_image(tmp_path, capsys):
    (tmp_path / "letter.png").write_text("Dear colleague")
    with pytest.raises(ImageError):
        preview.sample(tmp_path / "letter.png", 0)
    assert preview.main([f"--file={tmp_path / 'letter.png'}"]) == 1
    assert capsys.readouterr().err


def test_a_process_that_fails_is_told(monkeypatch):
    monkeypatch.setattr(preview, "python", lambda *words: python("-c", "import sys; sys.exit('no room for Keras')"))
    with pytest.raises(RunError, match="no room for Keras"):
        preview.preview(1.0, 0)
    monkeypatch.setattr(preview, "python", lambda *words: [sys.executable + "-absent"])
    with pytest.raises(RunError, match="could not be made"):
        preview.preview(1.0, 0)
