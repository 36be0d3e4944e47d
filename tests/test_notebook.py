"""The GPU notebook, run from top to bottom with a tiny network on phantoms, offline and with everything installed."""

import csv
import importlib.util
import json
import zipfile
from pathlib import Path

import nbformat
import pytest
from jax_environment import jax_environment
from nbclient import NotebookClient
from phantom_sets import copy_set

pytestmark = pytest.mark.long

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "train_on_gpu.ipynb"
TINY = "--filters 4,8 --dense 8 --size 48 --batch-size 8 --learning-rate 3e-3 --balance none --lung-centred false --margin 16"


def read() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def printed(notebook: nbformat.NotebookNode) -> str:
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(the notebook after it was run, the folder that it used)."""
    home = tmp_path_factory.mktemp("notebook")
    copy_set(home / "data", patients=10)
    settings = {
        "PNEUMO_DATA_DIR": home / "data",
        "PNEUMO_RUNS_DIR": home / "runs",
        "PNEUMO_CACHE_DIR": home / "cache",
        "PNEUMO_MODELS_DIR": home / "untouched",
        "PNEUMO_NOTEBOOK_ARCHITECTURE": "cnn",
        "PNEUMO_NOTEBOOK_EPOCHS": 2,
        "PNEUMO_NOTEBOOK_SETTINGS": TINY,
        "PIP_NO_INDEX": 1,
        **(jax_environment() if importlib.util.find_spec("jax") else {"KERAS_BACKEND": "tensorflow"}),
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_RUNTIME_DIR": home / "jupyter",
    }
    notebook = read()
    # TensorBoard's cell starts a server that would outlive the test; that its log was written is checked below.
    notebook.cells = [cell for cell in notebook.cells if "server" not in cell.metadata.get("tags", [])]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, str(value))
        NotebookClient(notebook, timeout=180, kernel_name="python3", resources={"metadata": {"path": NOTEBOOK.parent}}).execute()
    return notebook, home


def test_no_outputs_are_committed():
    assert [cell.source for cell in read().cells if cell.get("outputs") or cell.get("execution_count")] == []


def test_nothing_is_installed_or_downloaded_again(made):
    text = printed(made[0])
    assert "Nothing to install." in text
    assert "Nothing to download:" in text


def test_the_zip_holds_the_complete_run(made, tmp_path):
    run = made[1] / "runs" / "cnn-gpu"
    lines = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert list((run / "tensorboard").iterdir())
    with zipfile.ZipFile(run.parent / "cnn-gpu.zip") as bundle:
        bundle.extractall(tmp_path)
    home = tmp_path / "cnn-gpu"
    assert (home / "best.keras").read_bytes() == (run / "best.keras").read_bytes()
    assert {"config.json", "split.csv", "history.jsonl", "status.json"} <= {path.name for path in home.iterdir()}
    assert not list(home.glob("last-*"))


def test_validation_is_evaluated_and_test_stays_unseen(made):
    notebook, home = made
    metrics = json.loads((home / "runs" / "scratch" / "models" / "cnn-gpu" / "metrics.json").read_text())
    assert set(metrics) == {"validation"}
    assert f"validation auc          {metrics['validation']['auc']['value']:.3f}" in printed(notebook)
    assert not list(home.rglob("ledger.csv"))
    assert not (home / "untouched").exists()
    with open(home / "runs" / "cnn-gpu" / "split.csv", newline="") as file:
        assert "test" in {row["part"] for row in csv.DictReader(file)}  # the run still lists them
