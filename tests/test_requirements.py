"""requirements-serve.txt is enough to answer; the locks list all dependencies."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
# An import finder before all others that hides the forbidden libraries.
GUARD = """
import importlib.abc, sys
class Guard(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in FORBIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])
sys.meta_path.insert(0, Guard())
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name.partition(".")[0] in FORBIDDEN else real(name, package)
"""


def named(file: str) -> list[Requirement]:
    """The requirements in a file and in the files that it includes."""
    lines = [line for line in (re.sub(r"(^|\s)#.*", "", line).strip() for line in (ROOT / file).read_text().splitlines()) if line]
    included = [each for line in lines if line.startswith("-r ") for each in named(line.removeprefix("-r "))]
    return [*included, *(Requirement(line) for line in lines if not line.startswith("-r "))]


def installed_by(file: str) -> set[str]:
    """Names of the distributions that a requirements file installs, with all their dependencies."""
    names: set[str] = set()
    waiting = named(file)
    while waiting:
        wanted = waiting.pop()
        key = re.sub(r"[-_.]+", "-", wanted.name).lower()
        extras = {"", *wanted.extras}
        if (key in names and not wanted.extras) or not any(
            not wanted.marker or wanted.marker.evaluate({"extra": e}) for e in extras
        ):
            continue
        names.add(key)
        try:
            needs = [Requirement(line) for line in distribution(wanted.name).requires or []]
        except PackageNotFoundError:
            continue  # for another platform
        waiting += [need for need in needs if not need.marker or any(need.marker.evaluate({"extra": extra}) for extra in extras)]
    return names


@pytest.mark.slow
@pytest.mark.long
def test_serving_works_with_its_requirements_alone(tmp_path):
    allowed = installed_by("requirements-serve.txt")
    assert {"streamlit", "onnxruntime", "pydicom"} <= allowed
    forbidden = {
        module
        for module, names in packages_distributions().items()
        if not {re.sub(r"[-_.]+", "-", name).lower() for name in names} & {*allowed, "pneumo"}
    }
    assert {"tensorflow", "keras", "jax", "sklearn", "onnx", "pytest"} <= forbidden
    (tmp_path / "sitecustomize.py").write_text(f"FORBIDDEN = {forbidden!r}\n{GUARD}")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "serve_alone.py")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert "serves alone" in run.stdout


def test_every_requirement_is_pinned_once_with_a_reason():
    files = ("requirements-serve.txt", "requirements-train.txt", "requirements-test.txt")
    lines = [line for file in files for line in (ROOT / file).read_text().splitlines()]
    wanted = [line for line in lines if line and not line.startswith(("#", "-r"))]
    assert all("==" in line for line in wanted)
    assert all("#" in line for line in wanted if not line.startswith("tensorflow=="))
    names = [Requirement(line.partition("#")[0].strip()).name for line in wanted]
    assert len(names) == len(set(names))


def locked(file: str) -> dict[str, tuple[set[str], int]]:
    """Name -> (the versions in a lock, the number of hashes); several versions are for several systems."""
    pins: dict[str, tuple[set[str], int]] = {}
    for entry in re.split(r"\n(?=\S)", (ROOT / file).read_text()):
        if entry.startswith("#"):
            continue
        wanted = Requirement(entry.partition("\\")[0].strip())
        versions, hashes = pins.get(wanted.name, (set(), 0))
        pins[wanted.name] = versions | {str(wanted.specifier)}, hashes + len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry))
    return pins


@pytest.mark.parametrize("name", ["requirements", "requirements-serve"])
def test_the_lock_has_every_requirement_with_hashes_and_names_no_host(name):
    lock = locked(f"{name}.lock")
    for wanted in named(f"{name}.txt"):
        key = re.sub(r"[-_.]+", "-", wanted.name).lower()
        assert str(wanted.specifier) in lock[key][0], f"{key}: run make lock"
    assert all(hashes for _, hashes in lock.values())
    text = (ROOT / f"{name}.lock").read_text()
    assert "://" not in text
    assert not re.search(r"^--|index-url|find-links", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["requirements", "requirements-serve"])
def test_the_lock_lists_all_dependencies(name):
    """All that the requirements install on this computer."""
    assert installed_by(f"{name}.txt") - set(locked(f"{name}.lock")) == set()


HOLE = {"id": "PYSEC-1", "fix_versions": ["2.0"], "aliases": [], "description": ""}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        (None, 2, "could not be fetched"),
        ([], 2, "could not be fetched"),
        ([{"name": "a", "skip_reason": "not found"}], 2, "was not checked"),
        ([{"name": "a", "version": "1", "vulns": []}], 0, "0 known vulnerabilities in 1 packages"),
        ([{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "x"}], 2, "Not checked: b"),
        ([{"name": "a", "version": "1", "vulns": [HOLE]}], 1, "a 1: PYSEC-1, fixed in 2.0"),
    ],
)
def test_an_incomplete_audit_is_not_an_all_clear(tmp_path, packages, code, said):
    if packages is not None:
        (tmp_path / "report.json").write_text(json.dumps({"dependencies": packages}))
    command = [sys.executable, str(ROOT / "bench" / "audit.py"), str(tmp_path / "report.json"), "requirements.lock"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert said in done.stdout
