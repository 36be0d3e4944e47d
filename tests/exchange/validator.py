"""Independent validators: dciodvfy of dicom3tools (David Clunie) checks an object's IOD, modules and value representations;
dsrdump of DCMTK (OFFIS) parses a structured report and checks the relationships of its items, dcm2pdf extracts a PDF."""

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
needs_dcmtk = _needs("dcm2pdf", "dcmtk")


def problems(data: bytes, folder) -> list[str]:
    """Errors and warnings of dciodvfy about a DICOM file, except two that are not faults: the project's own coding scheme, and
    optional elements that only a DICOMDIR needs."""
    path = folder / "object.dcm"
    path.write_bytes(data)
    completed = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
    lines = (completed.stdout + completed.stderr).splitlines()
    messages = [line for line in lines if line.startswith(("Error", "Warning"))]
    return [line for line in messages if "defined term = <99PNEUMO>" not in line and "needed to build DICOMDIR" not in line]


def report_tree(data: bytes, folder) -> tuple[str, list[str]]:
    """A structured report as dsrdump prints it, and its errors."""
    path = folder / "report.dcm"
    path.write_bytes(data)
    completed = subprocess.run(["dsrdump", str(path)], capture_output=True, text=True, check=False)
    errors = [line for line in completed.stderr.splitlines() if line.startswith(("E:", "F:"))]
    return completed.stdout, errors + [f"exit status {completed.returncode}"] * bool(completed.returncode)


def rewritten(data: bytes, folder) -> bytes:
    """The object as dcmconv writes it in implicit VR: every element is parsed and encoded again."""
    paths = folder / "before.dcm", folder / "after.dcm"
    paths[0].write_bytes(data)
    subprocess.run(["dcmconv", "+ti", *map(str, paths)], check=True, capture_output=True)
    return paths[1].read_bytes()


def extracted_pdf(data: bytes, folder) -> bytes:
    """The document in an Encapsulated PDF, as dcm2pdf writes it."""
    paths = folder / "document.dcm", folder / "document.pdf"
    paths[0].write_bytes(data)
    subprocess.run(["dcm2pdf", *map(str, paths)], check=True, capture_output=True)
    return paths[1].read_bytes()
