import json

import numpy as np
import pytest
from PIL import Image

from pneumo.cli import main
from pneumo.data.outlines import read_outlines


@pytest.fixture
def data(tmp_path):
    """What `lungs measure` looks for: the names kept aside, with drawn pictures behind them."""
    for outline in read_outlines():
        if outline.kept_aside:
            path = tmp_path / outline.path
            path.parent.mkdir(parents=True, exist_ok=True)
            grey = np.where(outline.mask, 40, 180).astype(np.uint8)
            Image.fromarray(grey).save(path, "PNG")  # the reader looks at the bytes, not at the name
    return tmp_path


def test_measure_prints_the_segmenter_beside_the_atlas(data, capsys):
    assert main(["lungs", "measure", "--data", str(data)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"segmenter", "atlas"}
    assert found["segmenter"]["n"] == found["atlas"]["n"] == 12
    assert found["segmenter"]["dice"]["value"] > 0.6  # flat fields in a flat picture: no chest, but nearly
    assert found["atlas"]["worst"] <= found["atlas"]["dice"]["value"]


def test_measure_without_a_segmenter_or_images(data, tmp_path, capsys):
    assert main(["lungs", "measure", "--data", str(data), "--model", str(tmp_path / "none")]) == 1
    assert "No lung segmenter" in capsys.readouterr().err
    assert main(["lungs", "measure", "--data", str(tmp_path / "nowhere")]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_train_refuses_before_any_work(tmp_path, capsys):
    assert main(["lungs", "train", "--output", str(tmp_path / "lungs"), "--source", "guess"]) == 2
    assert "'guess'" in capsys.readouterr().err
    assert not (tmp_path / "lungs").exists()
