"""onnxruntime's official builds report to their maker unless told not to, and first store an identifier of the computer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOAD = "import onnxruntime; onnxruntime.InferenceSession('models/lungs/lungs.onnx')"


def kept(home: Path, code: str, alone: tuple[str, ...] = ()) -> list[Path]:
    """The files that `code` leaves in an empty home."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}  # nothing more: in a CI it reports nothing anyway
    subprocess.run([*alone, sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    return [path for path in home.rglob("*") if path.is_file()]


@pytest.mark.skipif(sys.platform != "linux", reason="the place of the identifier is known for Linux")
def test_pneumo_loads_a_model_without_storing_an_identifier(tmp_path):
    assert kept(tmp_path, "import pneumo; " + LOAD) == []


@pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")
def test_onnxruntime_alone_would_store_an_identifier(tmp_path):
    without_network = ("unshare", "-rn")
    if subprocess.run([*without_network, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace may be made here")
    assert any("Microsoft" in str(path) for path in kept(tmp_path, LOAD, without_network)), "onnxruntime changed"
