import json

import pytest
from record.making import Clock, answers, make_record, tamper

from pneumo.cli.main import main


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{tmp_path / 'record.sqlite'}")
    monkeypatch.delenv("PNEUMO_RECORD_DAYS", raising=False)
    record = make_record(tmp_path, clock=Clock("2026-03-01T12:00:00+00:00"))
    record.keep(answers(3), "a")
    return record


def test_a_whole_record(record, capsys):
    head = record.verify().head.hash
    assert main(["audit", "verify"]) == 0
    assert f"3 entries, 3 cases kept\nhead {head} (entry 3)" in capsys.readouterr().out
    record.keep(answers(1, session="later"), "a")
    assert main(["audit", "verify", "--head", head]) == 0
    assert main(["audit", "verify", "--head", "0" * 63 + "1"]) == 1
    assert "noted head" in capsys.readouterr().out


def test_a_broken_record(record, tmp_path, capsys):
    tamper(tmp_path, "UPDATE audit SET actor = 'nobody' WHERE sequence = 2")
    assert main(["audit", "verify"]) == 1
    assert "BROKEN: Entry 2 (create" in capsys.readouterr().out


def test_no_record(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("PNEUMO_RECORD", raising=False)
    assert main(["audit", "verify"]) == 2
    assert "PNEUMO_RECORD" in capsys.readouterr().err
    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{tmp_path / 'none.sqlite'}")
    assert main(["audit", "verify"]) == 1
    assert "no record yet" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_purge(record, monkeypatch, capsys):
    assert main(["audit", "purge"]) == 2
    monkeypatch.setenv("PNEUMO_RECORD_DAYS", "1")
    assert main(["audit", "purge"]) == 1  # this record was quiet since March 2026
    assert "Nothing was deleted for its age" in capsys.readouterr().err
    assert len(record.search()) == 3
    assert main(["audit", "purge", "--clock-is-right"]) == 0
    assert "3 cases deleted" in capsys.readouterr().out
    assert record.search() == []
    assert record.verify().problem is None


def test_export(record, capsys):
    assert main(["audit", "export", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 3
