"""Roles on the pages: what the sidebar lists, which addresses are refused, what a button does once its role is gone."""

import time

import numpy as np
import pytest
from opened_app import open_app
from tiny_model import make_registry

from pneumo.imaging.overlay import png
from pneumo.record.store import open_record
from pneumo.training.jobs import queue
from pneumo.ui.shell import access

WHITE = ("white.png", png(np.full((80, 120), 255, np.uint8)), "image/png")


@pytest.fixture
def claims(tmp_path, monkeypatch):
    """The claims of the token that Streamlit would hold; a test may change them."""
    token = {"is_logged_in": True, "iat": time.time(), "roles": ["pneumo-reader"], "email": "ada@example.org"}
    monkeypatch.setenv("PNEUMO_LOGIN", "oidc")
    for name in ("models", "runs", "data"):
        monkeypatch.setenv(f"PNEUMO_{name.upper()}_DIR", str(tmp_path / name))
    make_registry(tmp_path / "models")
    monkeypatch.setattr(access, "_claims", lambda: token)
    monkeypatch.setattr(queue, "ensure_worker", lambda runs: None)
    return token


def start(page=None):
    app = open_app()
    if page:
        app.switch_page(f"pages/{page}.py").run()
    assert not app.exception
    return app


def text(app):
    kinds = (app.title, app.markdown, app.info, app.error, app.caption)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def labels(app):
    return [button.label for button in (*app.button, *app.get("download_button"))]


def test_without_a_login_only_the_login_button_is_shown(claims):
    claims.clear()
    app = start()
    assert [title.value for title in app.title] == ["Pneumo"]
    assert labels(app) == ["Log in"]
    assert not app.file_uploader
    assert labels(start("train")) == ["Log in"]


def test_an_old_login_has_expired(claims):
    claims["iat"] -= 13 * 3600
    app = start()
    assert "has expired" in text(app)
    assert labels(app) == ["Log in again"]


def test_an_account_without_a_role_is_told_so(claims):
    claims["roles"] = ["staff"]
    app = start()
    assert "`ada@example.org`, and this account has no role" in text(app)
    assert labels(app) == ["Log out"]
    assert not app.file_uploader


@pytest.mark.parametrize(("role", "opened"), [("reader", False), ("researcher", True), ("admin", True)])
def test_train_is_for_researchers(claims, role, opened):
    claims["roles"] = [f"pneumo-{role}"]
    assert f"Logged in as `ada@example.org`: {role}" in text(start())
    app = start("train")
    assert ("the role researcher is needed" in text(app)) is not opened
    assert ("Start training" in labels(app)) is opened


def test_a_user_name_is_not_read_as_markdown(claims):
    claims["email"] = "`![x](http://elsewhere.example/x.png)`"
    assert "Logged in as `` `![x](http://elsewhere.example/x.png)` ``: reader" in text(start())  # shown as code


def test_getting_data_is_for_researchers(claims):
    assert "the role researcher is needed" in text(start("dataset"))
    claims["roles"] = ["pneumo-researcher"]
    assert "Make a synthetic set" in labels(start("dataset"))


def test_a_button_checks_the_role_again(claims, monkeypatch):
    """The role is taken away after the page was drawn and before the click."""
    called = []
    monkeypatch.setattr(queue, "submit", lambda *words: called.append(words))
    monkeypatch.setattr("pneumo.ui.train.form._start_row", lambda catalog: _start_button())
    claims["roles"] = ["pneumo-researcher"]
    app = start("train")
    claims["roles"] = ["pneumo-reader"]
    app.button(key="train-start").click().run()
    assert not called
    assert "the role researcher is needed" in text(app)
    claims["roles"] = ["pneumo-researcher"]
    app = start("train")
    app.button(key="train-start").click().run()
    assert len(called) == 1


def _start_button():
    import streamlit as st

    from pneumo.ui.train import form

    st.button("Start training", on_click=form._start, key="train-start")


@pytest.mark.parametrize("action", ["cancel", "promote"])
def test_the_other_callbacks_check_the_role_again(claims, monkeypatch, tmp_path, action):
    from pneumo.ui.train import job
    from pneumo.ui.train import runs as train_runs

    called, said = [], []
    monkeypatch.setattr(queue, "cancel", lambda run: called.append(run))
    monkeypatch.setattr(job, "leave_message", said.append)
    monkeypatch.setattr(train_runs, "leave_message", said.append)
    if action == "cancel":
        job._cancel(tmp_path)
    else:
        train_runs._act(lambda run: called.append(run), tmp_path)
    assert not called
    assert "the role researcher is needed" in said[0]


def test_history_is_read_by_readers_and_changed_by_admins(claims, monkeypatch, tmp_path):
    from functools import partial

    from pneumo.inference.finding import read

    monkeypatch.setattr("pneumo.inference.batch.read", partial(read, gated=False))
    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{tmp_path / 'record.sqlite'}")
    app = start()
    app.file_uploader[0].set_value([WHITE]).run()
    next(radio for radio in app.radio if radio.label.startswith("Do you agree")).set_value("agree").run()  # on one's own case
    (case,) = open_record().search()
    assert case.agreement == "agree"

    app = start("history")
    app.selectbox(key="history_open").set_value(case.id).run()
    assert not app.radio
    assert not {"Delete this case", "CSV", "JSON"} & set(labels(app))

    claims["roles"] = ["pneumo-admin"]
    app = start("history")
    app.selectbox(key="history_open").set_value(case.id).run()
    assert {"Delete this case", "CSV", "JSON"} <= set(labels(app))
    app.button(key="history_ask").click().run()
    claims["roles"] = ["pneumo-researcher"]  # taken away before the click
    app.button(key="history_yes").click().run()
    assert open_record().get(case.id) is not None
    claims["roles"] = ["pneumo-admin"]
    app.run()
    assert "the role admin is needed" in text(app)
    app.button(key="history_yes").click().run()
    assert open_record().get(case.id) is None


def test_invalid_settings_close_the_app(claims, monkeypatch):
    monkeypatch.setenv("PNEUMO_LOGIN", "maybe")
    app = start()
    assert "expected oidc" in text(app)
    assert not app.file_uploader
