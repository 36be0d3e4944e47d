import json
import subprocess
import sys

import numpy as np
import pytest
from phantom_sets import copy_set
from tiny_model import make_registry

from pneumo import __version__
from pneumo.cli.main import main
from pneumo.data.lung_masks import LungMasks, write_masks
from pneumo.data.records import scan


@pytest.fixture
def data(tmp_path):
    copy_set(tmp_path / "set", patients=6)
    return tmp_path / "set"


def test_split_writes_a_manifest_and_its_hash(data, tmp_path, capsys):
    assert main(["data", "split", str(data), "--output", str(tmp_path / "split.csv")]) == 0
    lines = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert len(lines[str(tmp_path / "split.csv")]) == 64
    assert {"train", "validation", "calibration", "test"} <= set(lines)


def test_phantom_set(tmp_path, capsys):
    assert main(["data", "phantom", str(tmp_path / "made"), "--patients", "2"]) == 0
    assert (tmp_path / "made" / "SYNTHETIC.txt").is_file()
    assert main(["data", "phantom", str(tmp_path / "made"), "--patients", "2"]) == 1
    assert "empty" in capsys.readouterr().err


@pytest.mark.slow
def test_evaluate_a_folder_into_another_place(data, tmp_path, monkeypatch, capsys):
    root = make_registry(tmp_path / "models")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    before = (root / "tiny" / "metrics.json").read_text()
    out = tmp_path / "out"
    assert main(["evaluate", "tiny", "--data", str(data), "--split", "train", "--output", str(out)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert json.loads((out / "metrics.json").read_text()) == {"train": printed}
    assert (out / "predictions-train.csv").read_text().startswith("file,label,subtype,logit,probability\n")
    plots = sorted(path.name for path in out.glob("*.png"))
    assert "train-roc.png" in plots
    assert len(plots) == 5
    assert all((out / name).read_bytes().startswith(b"\x89PNG") for name in plots)
    assert (root / "tiny" / "metrics.json").read_text() == before
    assert not (root / "ledger.csv").exists()


@pytest.mark.slow
def test_a_look_at_test_is_written_into_the_ledger(data, tmp_path, monkeypatch):
    root = make_registry(tmp_path / "models")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    words = ["evaluate", "tiny", "--data", str(data), "--output", str(tmp_path / "out"), "--why", "curiosity"]
    assert main(words) == 0
    header, row = (root / "ledger.csv").read_text().splitlines()
    assert header == "date,commit,model,auc,accuracy,sensitivity,specificity,why"
    assert ",tiny," in row
    assert row.endswith(",curiosity")


def test_train_refuses_before_any_work(tmp_path, capsys):
    words = ["train", "cnn", "--data", str(tmp_path), "--output", str(tmp_path / "run")]
    assert main([*words, "--learning-rat", "1"]) == 2
    assert "Did you mean 'learning_rate'" in capsys.readouterr().err
    assert main(["train", "cnnn", *words[2:]]) == 2
    assert main([*words, "stray"]) == 2
    assert main([*words, "--epochs"]) == 2
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_audit_with_outlined_lungs_or_none(data, tmp_path, monkeypatch, capsys):
    names = [record.path for record in scan(data)]
    mask = np.zeros((224, 224), bool)
    mask[56:168, 28:196] = True
    write_masks(LungMasks(tuple(names[:4]), np.stack([np.packbits(mask)] * 4)), tmp_path)
    assert main(["data", "audit", str(data), "--masks", str(tmp_path), "--output", str(tmp_path / "audit.json")]) == 0
    assert "| height of the lungs | more | 0.500 |" in capsys.readouterr().out
    frame = json.loads((tmp_path / "audit.json").read_text())["frame"]
    assert frame["lungs"] == "people"
    assert sum(count["images"] - count["without_lungs"] for count in frame["counts"]) == 4
    (tmp_path / "lungs").mkdir()  # without this folder, the shipped segmenter would be used
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(tmp_path))
    assert main(["data", "audit", str(data)]) == 0
    said = capsys.readouterr()
    assert "No lungs were looked for" in said.out
    assert "goes on without the frame" in said.err
    assert main(["data", "audit", str(data), "--masks", str(tmp_path / "none")]) == 1


def test_missing_data_is_exit_1(tmp_path, capsys):
    assert main(["data", "split", str(tmp_path / "absent")]) == 1
    assert "No data folder" in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"pneumo {__version__}\n"


def test_a_closed_pipe_is_no_error():
    """As in `pneumo models show ID | head -1`: the pipe's other end is closed before anything is written."""
    words = [sys.executable, "-m", "pneumo", "models", "show", "resnet50"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
