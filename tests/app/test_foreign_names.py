"""Pages with hostile names: text from others is shown literally, never as Markdown."""

import json
import re
import shutil
import sys

import pytest
from fake_runs import make_run
from opened_app import choose_rows, open_app
from phantom_sets import copy_set
from tiny_model import make_registry

from pneumo.training.jobs import queue

# A browser reads a backslash as a slash, so that a file's name can hold an address.
PICTURE, TAG, FENCED = r"![x](\\evil.example\x.png)", r"<img src=\\evil.example\y.png>", r"`![x](\\evil.example\z.png)"
NAMES = (PICTURE, TAG, FENCED)


def nodes(node):
    yield node
    for child in getattr(node, "children", {}).values():
        yield from nodes(child)


def shown(app) -> list[str]:
    """All Markdown of the page, also labels and help texts of widgets, without what a backslash or a code span makes harmless."""
    bodies = []
    for node in nodes(app._tree):
        proto = getattr(node, "proto", None)
        if proto is None or getattr(node, "type", "") in ("code", "html"):
            continue
        for field, value in proto.ListFields():
            if field.name in ("body", "label", "help", "text", "caption") and isinstance(value, str):
                bodies.append(value)
            elif field.name in ("expandable", "tab", "popover"):  # a block's label is one message deeper
                bodies.append(value.label)
    return [re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", re.sub(r"\\[!-/:-@\[-`{-~]", "x", body)) for body in bodies]


def assert_disarmed(app, *names):
    assert not app.exception
    for body in shown(app):
        assert not re.search(r"!\[|\]\(|<img", body), body
    every = [node.proto.body for node in nodes(app._tree) if getattr(node, "type", "") == "html"]
    assert not any(TAG in body for body in every)
    raw = "\n".join(str(getattr(node, "proto", "")) for node in nodes(app._tree))
    for name in names:
        assert name in raw, "the test shows nothing if the page does not show the name"


@pytest.fixture
def places(tmp_path, monkeypatch):
    if sys.platform == "win32":
        pytest.skip("names that Windows does not take")
    for name in ("data", "cache", "runs"):
        monkeypatch.setenv(f"PNEUMO_{name.upper()}_DIR", str(tmp_path / name))
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    monkeypatch.setattr(queue, "ensure_worker", lambda runs: None)
    (tmp_path / "runs").mkdir()
    return tmp_path


@pytest.mark.long
def test_names_in_a_data_set(places):
    data = places / "data"
    copy_set(data, patients=4)
    first = sorted((data / "train" / "NORMAL").glob("*.png"))[0]
    for name in NAMES:
        (data / "train" / "NORMAL" / f"{name}.txt").write_text("no image")  # does not fit
        (data / "train" / "NORMAL" / f"bad {name}.png").write_bytes(b"no image")  # cannot be read
        for split in ("train", "test"):  # the same patient in both, and look-alikes
            shutil.copy(first, data / split / "NORMAL" / f"{name}.png")
        (data / name).mkdir()  # an unknown folder
    app = open_app().switch_page("pages/dataset.py").run()
    app.session_state["dataset_tab"] = "Audit"
    app.run()
    assert_disarmed(app, "evil.example")
    app.button[0].click().run()
    assert_disarmed(app, "evil.example", "Look-alikes")


def test_words_of_runs_and_promotions(places):
    for number, name in enumerate(NAMES):
        run = make_run(places / "runs", name, "failed", when=number, why=f"It broke at {PICTURE}, then {TAG}.")
        (run / "promotion.json").write_text(json.dumps({"state": "failed", "model": TAG, "why": PICTURE}))
    make_run(places / "runs", f"waits {PICTURE}", "queued", epochs=0, when=9)
    app = open_app().switch_page("pages/train.py").run()
    for name in NAMES:
        choose_rows(app, "Run", name)
        assert_disarmed(app, "This run failed", "evil.example")
    app.session_state["train-deleting"] = FENCED
    app.session_state["train-said"] = f"{PICTURE} {TAG}"
    app.run()
    assert_disarmed(app, "checkpoints and history for good")


@pytest.mark.parametrize("page", ["diagnose", "worklist", "metrics", "about"])
def test_names_of_models(places, page):
    for name in NAMES:
        (places / "models" / name).mkdir()
        (places / "models" / name / "card.json").write_text("{")
    app = open_app().switch_page(f"pages/{page}.py").run()
    assert_disarmed(app, "evil.example")
