"""The import rules of docs/architecture.md, checked by reading every import statement and by importing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pneumo"
# Layers from the bottom up: a layer imports only from those before it, and its packages do not import each other.
LAYERS = (
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


def package_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def offenders(paths, forbidden) -> list[str]:
    def hit(name):
        return any(name == bad or name.startswith(bad + ".") for bad in forbidden)

    return [f"{path.relative_to(ROOT)}: {name}" for path in paths for name in sorted(imports(path)) if hit(name)]


def test_every_package_has_a_layer():
    packages = {package_of(path) for path in modules("")} - {"__init__", "__main__"}
    assert packages == {package for layer in LAYERS for package in layer}


@pytest.mark.parametrize("number", range(len(LAYERS)))
def test_imports_go_down(number):
    """So there is no circular import between packages."""
    above = {package for layer in LAYERS[number + 1 :] for package in layer}
    beside = set(LAYERS[number]) if number else set()  # the lowest layer is single files, which may import each other
    for package in LAYERS[number]:
        paths = [path for path in modules("") if package_of(path) == package]
        assert paths
        assert offenders(paths, [f"pneumo.{other}" for other in (above | beside) - {package}]) == []


def test_only_ui_imports_streamlit():
    below = [path for path in modules("") if package_of(path) != "ui"]
    assert len(below) > 30
    assert offenders(below, ["streamlit"]) == []


def test_packages_without_keras():
    light = modules("imaging", "evaluation", "reporting", "inference", "studies", "data", "record", "exchange", "site", "ui")
    assert offenders(light, ["keras", "tensorflow", "jax", "pneumo.nets"]) == []


def test_tensorflow_is_imported_nowhere():
    assert offenders(modules(""), ["tensorflow"]) == []


def test_pages_import_no_keras():
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
    }  # loaded only when needed
    code = f"import sys, {module}; print(sorted({late} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.strip() == "[]"
