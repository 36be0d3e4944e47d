"""Programs of others that look at what is written: dciodvfy of dicom3tools (David Clunie) checks an object against its IOD, its
modules and value representations; dsrdump of DCMTK (OFFIS) reads a report as a tree and checks which item may stand below which."""

import os
import shutil
import subprocess

import pytest


def _needs(program: str, package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        shutil.which(program) is None and not os.environ.get("PNEUMO_REQUIRE_DICOM_TOOLS"),
        reason=f"no {program} found: install Debian's package {package} to validate the results",
    )


needs_dciodvfy, needs_dsrdump = _needs("dciodvfy", "dicom3tools"), _needs("dsrdump", "dcmtk")


def problems(data: bytes, folder) -> list[str]:
    """Every error and warning about a DICOM file, but for what says nothing against it: a project's own coding scheme, and
    elements that may be empty but that a CD's directory would want."""
    path = folder / "object.dcm"
    path.write_bytes(data)
    done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    told = [line for line in lines if line.startswith(("Error", "Warning"))]
    return [line for line in told if "defined term = <99PNEUMO>" not in line and "needed to build DICOMDIR" not in line]


def report_tree(data: bytes, folder) -> tuple[str, list[str]]:
    """A structured report as dsrdump prints it, and its errors."""
    path = folder / "report.dcm"
    path.write_bytes(data)
    done = subprocess.run(["dsrdump", str(path)], capture_output=True, text=True, check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith(("E:", "F:"))]
    return done.stdout, errors + [f"exit status {done.returncode}"] * bool(done.returncode)
