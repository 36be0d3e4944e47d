"""The directions of docs/architecture.md, held by reading every import statement and by importing for real."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pneumo"
# From the ground up: a floor imports from those before it alone, and rooms of one floor know nothing of each other.
FLOORS = (
    (
        "errors",
        "arrays",
        "files",
        "labels",
        "log",
        "memory",
        "outgoing",
        "paths",
        "versions",
        "zip_guards",
    ),
    ("access", "imaging", "evaluation"),
    ("synthetic", "nets", "data", "record"),
    ("registry",),
    ("inference",),
    ("reporting", "studies"),
    ("exchange", "training", "site"),
    ("cli", "ui"),
)


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((PACKAGE / folder).rglob("*.py"))]


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def offenders(paths, forbidden) -> list[str]:
    def hit(name):
        return any(name == bad or name.startswith(bad + ".") for bad in forbidden)

    return [f"{path.relative_to(ROOT)}: {name}" for path in paths for name in sorted(imports(path)) if hit(name)]


def test_every_room_has_a_floor():
    rooms = {room_of(path) for path in modules("")} - {"__init__", "__main__"}
    assert rooms == {room for floor in FLOORS for room in floor}


@pytest.mark.parametrize("number", range(len(FLOORS)))
def test_imports_go_down(number):
    """So no package imports another in a circle."""
    above = {room for floor in FLOORS[number + 1 :] for room in floor}
    beside = set(FLOORS[number]) if number else set()  # the ground is single files, without a circle among them
    for room in FLOORS[number]:
        paths = [path for path in modules("") if room_of(path) == room]
        assert paths
        assert offenders(paths, [f"pneumo.{other}" for other in (above | beside) - {room}]) == []


def test_only_ui_imports_streamlit():
    below = [path for path in modules("") if room_of(path) != "ui"]
    assert len(below) > 30
    assert offenders(below, ["streamlit"]) == []


def test_floors_without_keras():
    light = modules("imaging", "evaluation", "reporting", "inference", "studies", "data", "record", "exchange", "site", "ui")
    assert offenders(light, ["keras", "tensorflow", "jax", "pneumo.nets"]) == []


def test_tensorflow_is_named_nowhere():
    assert offenders(modules(""), ["tensorflow"]) == []


def test_pages_stand_on_ui_and_import_no_keras():
    pages = [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))]
    assert offenders(pages, ["keras", "tensorflow", "pneumo.nets"]) == []


@pytest.mark.parametrize("module", ["pneumo.inference.finding", "pneumo.ui.diagnose.viewer", "pneumo.cli.main"])
def test_serving_loads_neither_keras_nor_tensorflow(module):
    late = {
        "keras",
        "tensorflow",
        "jax",
        "sklearn",
        "sqlalchemy",
        "alembic",
        "highdicom",
        "pynetdicom",
        "ray",
    }  # loaded where they are needed
    code = f"import sys, {module}; print(sorted({late} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.strip() == "[]"
