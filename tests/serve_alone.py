"""Everything that answers works with requirements-serve.txt alone. Run by tests/test_requirements.py, which lets nothing else
be imported, and by .ci/run in an environment with nothing else installed.

python tests/serve_alone.py     from the repository's root; prints what it did, fails if something is missing
"""

import json
import os
import sys
import tempfile
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))


def command(*words: str) -> str:
    """The output of a command, which must end with 0."""
    from pneumo.cli.main import main

    printed = StringIO()
    with redirect_stdout(printed):
        assert main(list(words)) == 0, words
    return printed.getvalue()


def page(name: str, *, phantoms: bool = False) -> str:
    """The text of a page that ran without an exception."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(Path(__file__).parent.parent / "app.py"), default_timeout=120).run()
    if name != "diagnose":
        app.switch_page(f"pages/{name}.py").run()
    if phantoms:
        next(button for button in app.button if "phantoms" in button.label).click().run()
    assert not app.exception, (name, app.exception)
    return " ".join(
        str(each.value)
        for kind in ("markdown", "html", "info", "title", "header")
        for each in app.get(kind)
        if hasattr(each, "value")
    )


def main() -> None:
    from pneumo.synthetic.phantom import make_phantom, phantom_png

    for name in ("tensorflow", "keras", "sklearn", "jax", "onnx"):
        assert find_spec(name) is None, f"{name} is here, so this proves nothing"
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"PNEUMO_DATA_DIR": f"{home}/data", "PNEUMO_RUNS_DIR": f"{home}/runs", "PNEUMO_CACHE_DIR": f"{home}/cache"}
        picture = Path(home) / "phantom.png"
        picture.write_bytes(phantom_png(make_phantom("bacterial", seed=3)))
        row = json.loads(command("predict", str(picture), "--format", "json", "--heatmap", f"{home}/heat"))
        assert row["status"] == "ok", row
        assert Path(row["heatmap"]).read_bytes().startswith(b"\x89PNG")
        command("report", str(picture), "--output", f"{home}/report.pdf")
        command("models", "verify")
        os.environ["PNEUMO_RECORD"] = f"sqlite:///{home}/record.sqlite"
        pages = {
            name: page(name, phantoms=name == "diagnose")
            for name in ("diagnose", "worklist", "history", "monitoring", "dataset", "train", "metrics", "site", "about")
        }
        assert "only answers" in pages["train"], pages["train"]
        from pneumo.cli.main import main as run

        assert run(["train", "cnn", "--data", home, "--output", f"{home}/run"]) == 2
    print("serves alone:", ", ".join(pages), "and predict, report, models verify")


if __name__ == "__main__":
    main()
