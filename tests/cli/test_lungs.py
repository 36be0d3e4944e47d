import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumo.cli.main import main
from pneumo.data.lung_masks import LungMasks, write_masks

SHIPPED = Path(__file__).parents[2] / "models" / "lungs"


@pytest.fixture
def data(tmp_path):
    """A set of flat pictures with darker lungs, and their masks in another folder."""
    mask = np.zeros((224, 224), bool)
    mask[40:170, 30:95] = mask[40:170, 130:195] = True
    numbers = [("train", number) for number in range(1, 41)] + [("test", 90), ("test", 91)]
    files = [
        name
        for split, number in numbers
        for name in (f"{split}/NORMAL/IM-{number:04}-0001.png", f"{split}/PNEUMONIA/person{number}_virus_1.png")
    ]
    rng = np.random.default_rng(0)
    for file in files:
        path = tmp_path / "set" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        light = np.kron(rng.integers(0, 70, (8, 8)), np.ones((28, 28), int))  # its own in each: twins stay in one part
        Image.fromarray((np.where(mask, 60, 180) + light).astype(np.uint8)).save(path)
    (tmp_path / "masks").mkdir()
    write_masks(LungMasks(tuple(files), np.stack([np.packbits(mask)] * len(files))), tmp_path / "masks")
    shutil.copytree(SHIPPED, tmp_path / "lungs")
    return tmp_path


def options(data):
    return ["--data", str(data / "set"), "--masks", str(data / "masks"), "--model", str(data / "lungs")]


def test_measure_keeps_what_it_prints(data, capsys, monkeypatch):
    monkeypatch.setattr("pneumo.studies.lung_agreement.PICTURES", 1)
    assert main(["lungs", "measure", *options(data)]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["test"]["n"] == 4
    assert measured["kept aside"]["n"] >= 8  # a tenth of train for validation, another for calibration
    assert json.loads((data / "lungs" / "lungs.json").read_text())["measured"] == measured


def test_measure_without_masks_a_segmenter_or_images(data, tmp_path, capsys):
    (data / "masks" / "lung_masks.npz").unlink()
    assert main(["lungs", "measure", *options(data)]) == 1
    assert "data masks" in capsys.readouterr().err
    assert main(["lungs", "measure", *options(data)[:-1], str(tmp_path / "none")]) == 1
    assert "No lung segmenter" in capsys.readouterr().err
