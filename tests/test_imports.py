"""The directions of docs/architecture.md, held by reading every import statement and by importing for real."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pneumo"


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((PACKAGE / folder).rglob("*.py"))]


def offenders(paths, forbidden) -> list[str]:
    def hit(name):
        return any(name == bad or name.startswith(bad + ".") for bad in forbidden)

    return [f"{path.relative_to(ROOT)}: {name}" for path in paths for name in sorted(imports(path)) if hit(name)]


def test_only_ui_imports_streamlit():
    below = [path for path in modules("") if "ui" not in path.relative_to(PACKAGE).parts]
    assert len(below) > 30
    assert offenders(below, ["streamlit", "pneumo.ui"]) == []


def test_floors_without_keras():
    light = modules("imaging", "evaluation", "reporting", "inference", "data", "record", "exchange", "ui")
    assert offenders(light, ["keras", "tensorflow", "jax", "pneumo.nets"]) == []


def test_tensorflow_is_named_nowhere():
    assert offenders(modules(""), ["tensorflow"]) == []


def test_imaging_knows_nothing_above_it():
    above = ["data", "nets", "training", "evaluation", "inference", "reporting", "exchange", "registry", "ui", "cli"]
    assert offenders(modules("imaging"), [f"pneumo.{name}" for name in above]) == []


def test_pages_stand_on_ui_and_import_no_keras():
    pages = [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))]
    assert offenders(pages, ["keras", "tensorflow", "pneumo.nets"]) == []


@pytest.mark.parametrize("module", ["pneumo.inference.finding", "pneumo.ui.diagnose.viewer", "pneumo.cli.main"])
def test_serving_loads_neither_keras_nor_tensorflow(module):
    late = {"keras", "tensorflow", "jax", "sklearn", "sqlalchemy", "highdicom", "pynetdicom", "ray"}  # loaded where they are needed
    code = f"import sys, {module}; print(sorted({late} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.strip() == "[]"
