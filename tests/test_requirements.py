"""requirements-serve.txt is enough to answer."""

import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
# A finder in front of all others that knows no other library than those given.
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
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in (ROOT / file).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-r")]


def installed_by(file: str) -> set[str]:
    """Names of the distributions that a requirements file brings, those they need included."""
    found: set[str] = set()
    waiting = named(file)
    while waiting:
        wanted = waiting.pop()
        key = re.sub(r"[-_.]+", "-", wanted.name).lower()
        extras = {"", *wanted.extras}
        if (key in found and not wanted.extras) or not any(
            not wanted.marker or wanted.marker.evaluate({"extra": e}) for e in extras
        ):
            continue
        found.add(key)
        try:
            needs = [Requirement(line) for line in distribution(wanted.name).requires or []]
        except PackageNotFoundError:
            continue  # for another platform
        waiting += [need for need in needs if not need.marker or any(need.marker.evaluate({"extra": extra}) for extra in extras)]
    return found


def test_everything_that_answers_works_with_the_serving_requirements_alone(tmp_path):
    allowed = installed_by("requirements-serve.txt")
    assert {"streamlit", "onnxruntime", "pydicom"} <= allowed
    forbidden = {
        module for module, names in packages_distributions().items()
        if not {re.sub(r"[-_.]+", "-", name).lower() for name in names} & allowed
    }  # fmt: skip
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


def test_every_requirement_is_pinned_once_and_says_why():
    lines = [line for file in ("requirements-serve.txt", "requirements.txt") for line in (ROOT / file).read_text().splitlines()]
    wanted = [line for line in lines if line and not line.startswith(("#", "-r"))]
    assert all("==" in line for line in wanted)
    assert all("#" in line for line in wanted if not line.startswith("tensorflow=="))
    names = [Requirement(line.partition("#")[0].strip()).name for line in wanted]
    assert len(names) == len(set(names))
