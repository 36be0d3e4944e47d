"""onnxruntime's official builds report to their maker unless told not to, and begin by keeping an identifier of the computer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOAD = "import onnxruntime; onnxruntime.InferenceSession('models/lungs/lungs.onnx')"


def kept(home: Path, code: str, alone: tuple[str, ...] = ()) -> list[Path]:
    """What `code` leaves in the home of a user who had nothing."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}  # no more: it is silent on its own where it sees a CI
    subprocess.run([*alone, sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    return [path for path in home.rglob("*") if path.is_file()]


@pytest.mark.skipif(sys.platform != "linux", reason="the place of the identifier is known for Linux")
def test_a_model_is_loaded_without_it(tmp_path):
    assert kept(tmp_path, "import pneumo; " + LOAD) == []


@pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")
def test_else_it_would_be_there(tmp_path):
    without_network = ("unshare", "-rn")
    if subprocess.run([*without_network, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace may be made here")
    assert any("Microsoft" in str(path) for path in kept(tmp_path, LOAD, without_network)), "onnxruntime changed"
