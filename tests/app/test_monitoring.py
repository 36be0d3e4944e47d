from datetime import datetime

import pytest
from opened_app import open_app
from record.making import Clock
from site_weeks import weeks
from tiny_model import make_registry

from pneumo.record.case import Answered
from pneumo.record.store import open_record
from pneumo.registry.models import read_card


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{tmp_path / 'record.sqlite'}")
    monkeypatch.delenv("PNEUMO_RECORD_DAYS", raising=False)
    store = open_record()
    store._clock = Clock()
    return store


def opened():
    app = open_app().switch_page("pages/monitoring.py").run()
    assert not app.exception
    assert [title.value for title in app.title] == ["Monitoring"]
    return app


def keep(record, cases):
    sha256 = read_card("tiny").sha256
    for case in cases:
        record._clock.now = datetime.fromisoformat(case.created)
        kept = {name: getattr(case, name) for name in Answered.__dataclass_fields__} | {"model_sha256": sha256}
        record.keep([Answered(**kept)], "a")


def test_an_alarm_is_shown_on_top_with_what_to_do(record):
    keep(record, weeks(230, 3, crop_from=160))
    app = opened()
    assert any("height of the lungs" in error.value and "collimation" in error.value for error in app.error)
    assert app.dataframe[0].value["Answers"].sum() == 230


def test_with_few_cases_the_page_says_when_the_charts_begin(record):
    assert "0 cases are recorded" in opened().info[0].value
    keep(record, weeks(3, 0))
    app = opened()
    assert "3 cases are recorded" in app.info[0].value
    assert len(app.dataframe[0].value) == 1
