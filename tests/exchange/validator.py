"""dciodvfy of dicom3tools (David Clunie): checks an object against its IOD, its modules and value representations."""

import os
import shutil
import subprocess

import pytest

needs_dciodvfy = pytest.mark.skipif(
    shutil.which("dciodvfy") is None and not os.environ.get("PNEUMO_REQUIRE_DICOM_TOOLS"),
    reason="no dciodvfy found: install Debian's package dicom3tools to validate the results",
)


def problems(data: bytes, folder) -> list[str]:
    """Every error and warning about a DICOM file, but for what says nothing against it: a project's own coding scheme, and
    elements that may be empty but that a CD's directory would want."""
    path = folder / "object.dcm"
    path.write_bytes(data)
    done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    told = [line for line in lines if line.startswith(("Error", "Warning"))]
    return [line for line in told if "defined term = <99PNEUMO>" not in line and "needed to build DICOMDIR" not in line]
