import hashlib
import json

import pytest
from record.making import Clock
from site_weeks import weeks
from tiny_model import make_registry

from pneumo.cli.main import main
from pneumo.record.case import Answered, Refused
from pneumo.record.store import open_record
from pneumo.registry.models import read_card


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{tmp_path / 'record.sqlite'}")
    monkeypatch.delenv("PNEUMO_RECORD_DAYS", raising=False)
    opened = open_record()
    opened._clock = Clock()
    return opened


def keep(record, cases):
    """Keep each case as if it were recorded at its own time."""
    from datetime import datetime

    sha256 = read_card("tiny").sha256
    for case in cases:
        record._clock.now = datetime.fromisoformat(case.created)
        kept = {name: getattr(case, name) for name in Answered.__dataclass_fields__} | {"model_sha256": sha256}
        record.keep([Answered(**kept)], "a")


def test_an_alarm_after_a_simulated_drift_in_text_and_json(record, capsys):
    keep(record, weeks(230, 3, crop_from=160))
    record.keep_refused([Refused("s", "f" * 64, "tiny", read_card("tiny").sha256, "rejected")])
    assert main(["monitor"]) == 1
    told = capsys.readouterr().out
    assert "ALARM: Since 2026-0" in told
    assert "height of the lungs" in told
    assert "2026-01-05" in told
    assert main(["monitor", "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert sum(week["answers"] for week in report["weeks"]) == 230
    assert sum(week["refused"] for week in report["weeks"]) == 1
    assert {alarm["key"] for alarm in report["alarms"]} & {"lung_height", "above"}
    assert report["sensitivity"] == {"value": None, "low": None, "high": None, "of": 0}


def test_few_cases_no_alarm_and_no_record(record, capsys, monkeypatch):
    assert main(["monitor"]) == 0
    assert "0 cases are recorded" in capsys.readouterr().out
    keep(record, weeks(3, 0))
    assert main(["monitor"]) == 0
    assert "3 cases are recorded" in capsys.readouterr().out
    monkeypatch.delenv("PNEUMO_RECORD")
    assert main(["monitor"]) == 2
    assert "No record is kept" in capsys.readouterr().err


def test_references_are_entered_by_file_or_hash(record, tmp_path, capsys):
    cases = weeks(3, 0)
    (tmp_path / "a.png").write_bytes(b"picture a")
    from dataclasses import replace

    keep(record, [replace(cases[0], file_sha256=hashlib.sha256(b"picture a").hexdigest()), *cases[1:]])
    path = tmp_path / "later.csv"
    path.write_text(f"file,sha256,label\na.png,,pneumonia\n,{cases[1].file_sha256},NORMAL\n,{'0' * 63}9,NORMAL\n")
    assert main(["monitor", "--references", str(path)]) == 1
    assert "2 references entered; 1 X-rays are not in the record" in capsys.readouterr().out
    assert sorted(case.reference for case in record.search()) == ["NORMAL", "PNEUMONIA", "none"]
    assert [entry.action for entry in record.entries()][-2:] == ["reference", "reference"]
    assert record.verify().problem is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (",ab,perhaps", "line 3: expected file"),
        (",,NORMAL", "line 3: expected file"),
        ("gone.png,,NORMAL", "line 3: gone.png cannot be read"),
        (",cd,NORMAL", "called both"),
    ],
)
def test_references_that_do_not_parse_enter_nothing(record, tmp_path, capsys, line, said):
    keep(record, weeks(1, 0))
    path = tmp_path / "later.csv"
    path.write_text(f"file,sha256,label\n,cd,PNEUMONIA\n{line}\n")
    assert main(["monitor", "--references", str(path)]) == 1
    assert said in capsys.readouterr().err
    assert [case.reference for case in record.search()] == ["none"]
