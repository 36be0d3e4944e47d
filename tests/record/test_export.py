import csv
import io
import json
import re
import socket
from dataclasses import asdict, replace

import pytest
from record.making import ANSWER, Clock, answers, make_record

from pneumo.cli.main import main
from pneumo.errors import ConfigError, RecordError
from pneumo.record.case import RecordedCase
from pneumo.record.chain import Entry, Head, verify
from pneumo.record.export import as_csv, as_json, as_json_lines, as_syslog, send_syslog

CASE = RecordedCase(
    **asdict(replace(ANSWER, warnings=("one", "two"))),
    id="i",
    created="2026-03-01T12:00:00.000Z",
    salt="salt",
    agreement="agree",
    note='he said "no",\nÜbermorgen',
)
ENTRY = Entry(7, "2026-03-01T12:00:00.000Z", "anna@example.org", "note", "c" * 32, "d" * 64, "e" * 64, "f" * 64)


def test_csv():
    (row,) = csv.DictReader(io.StringIO(as_csv([CASE])))
    assert row["note"] == CASE.note
    assert row["warnings"] == "one; two"
    assert float(row["probability"]) == 0.9375
    assert row["file_sha256"] == "ab" * 32
    assert not {"salt", "session"} & set(row)


def test_json():
    (row,) = json.loads(as_json([CASE]))
    assert row["note"] == CASE.note
    assert row["warnings"] == ["one", "two"]
    assert row["probability"] == 0.9375
    assert not {"salt", "session"} & set(row)


def test_a_note_is_no_formula():
    (row,) = csv.DictReader(io.StringIO(as_csv([replace(CASE, note="=HYPERLINK(1)")])))
    assert row["note"] == "'=HYPERLINK(1)"


def test_no_cell_contains_a_formula_or_terminal_commands():
    case = replace(CASE, note="a\x1b[31m\n=1+1\r", model="=1+1", warnings=("@a\n", "b"))
    (row,) = csv.DictReader(io.StringIO(as_csv([case])))
    assert row["note"] == "a\\x1b[31m\n=1+1\\r"  # a second line is no cell of its own
    assert row["model"] == "'=1+1"
    assert row["warnings"] == "'@a\\n; b"
    assert "\x9b" not in as_json([replace(CASE, note="\x9b31m")])


def test_nothing_to_export():
    assert as_csv([]).startswith("id,created,file_sha256,")
    assert json.loads(as_json([])) == []


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{tmp_path / 'record.sqlite'}")
    monkeypatch.delenv("PNEUMO_RECORD_DAYS", raising=False)
    record = make_record(tmp_path, clock=Clock("2026-03-01T12:00:00+00:00"))
    gone, _ = record.keep(answers(2), "a")
    record.delete(gone, "b")
    return record


def test_the_chain_can_be_checked_again_from_the_json_lines(record, capsys):
    assert main(["audit", "log"]) == 0
    entries = [Entry(**json.loads(line)) for line in capsys.readouterr().out.splitlines()]
    assert [entry.action for entry in entries] == ["create", "create", "delete"]
    digests = {entries[1].case_id: entries[1].digest}
    head = Head(3, record.verify().head.hash)
    assert verify(entries, digests, head).problem is None
    entries[0] = replace(entries[0], actor="nobody")
    assert verify(entries, digests, head).problem.startswith("Entry 1 (")


def test_only_what_follows_an_entry(record, capsys):
    assert main(["audit", "log", "--after", "2"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["sequence"] == 3
    assert main(["audit", "log", "--after", "3", "--format", "syslog"]) == 0
    assert capsys.readouterr().out == ""


def test_a_syslog_line_word_for_word():
    (line,) = as_syslog([ENTRY], host="ward 3")
    assert line == (
        '<109>1 2026-03-01T12:00:00.000Z ward3 pneumo - note [pneumo@32473 sequence="7" time="2026-03-01T12:00:00.000Z" '
        f'actor="anna@example.org" action="note" case_id="{"c" * 32}" digest="{"d" * 64}" previous="{"e" * 64}" hash="{"f" * 64}"] '
        "entry 7: note"
    )


@pytest.mark.parametrize(
    ("actor", "written"),
    [
        ('o"x]y\\z', r"o\"x\]y\\z"),
        ("two\nlines\x1b[31m\0", r"two?lines?[31m?"),
        ("Ärztin", "Ärztin"),
        (5, "5"),
    ],
)
def test_no_actor_breaks_a_line(actor, written):
    (line,) = as_syslog([replace(ENTRY, actor=actor, time="tomorrow\n")], host="")
    assert f' actor="{written}" ' in line
    assert line.isprintable()
    assert re.match(r"<109>1 - \S+ pneumo - note \[", line)
    assert len("\n".join(as_json_lines([replace(ENTRY, actor=actor)])).splitlines()) == 1


def test_sent_to_a_syslog_of_this_computer(record, capsys):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(60)
        port = listener.getsockname()[1]
        assert main(["audit", "log", "--format", "syslog", "--send", f"127.0.0.1:{port}"]) == 0
        assert "3 entries sent" in capsys.readouterr().out
        assert [listener.recv(9000).decode().rpartition("] ")[2] for _ in range(3)] == [
            "entry 1: create",
            "entry 2: create",
            "entry 3: delete",
        ]


def test_sent_to_a_socket_by_its_path(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "log"))
        listener.settimeout(60)
        assert send_syslog(as_syslog([ENTRY]), str(tmp_path / "log")) == 1
        assert listener.recv(9000).startswith(b"<109>1 2026-03-01T12:00:00.000Z ")
    with pytest.raises(RecordError, match="Is a syslog there"):
        send_syslog(["x"], str(tmp_path / "none"))


@pytest.mark.parametrize("address", ["192.0.2.1:514", "log.example.org:514", "127.0.0.1", "127.0.0.1:99999", ":514", "localhost:x"])
def test_nothing_goes_to_another_computer(address):
    with pytest.raises(ConfigError, match="address of this computer"):
        send_syslog(["x"], address)


def test_an_address_needs_syslog(record, capsys):
    assert main(["audit", "log", "--send", "127.0.0.1:514"]) == 2
    assert "--format syslog" in capsys.readouterr().err
