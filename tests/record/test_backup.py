"""The procedure of docs/record.md, run as written there."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from record.making import ANSWER, answers, make_record, tamper

from pneumo.errors import RecordError
from pneumo.record.backup import back_up
from pneumo.record.database import Database

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def steps(name: str) -> str:
    """The shell lines below the marker `name` in docs/record.md."""
    text = (ROOT / "docs" / "record.md").read_text(encoding="utf-8")
    return re.search(rf"<!-- played: {name} -->\n```\n(.*?)```", text, re.DOTALL)[1]


def play(folder: Path, name: str, **environment: str) -> str:
    """Run the lines in a shell, `python` being this one."""
    (folder / "bin").mkdir(exist_ok=True)
    if not (folder / "bin" / "python").exists():
        (folder / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (folder / "bin" / "python").chmod(0o755)
    known = {**os.environ, "PYTHONPATH": str(ROOT), "PNEUMO_RECORD": f"sqlite:///{folder / 'record.sqlite'}", **environment}
    known["PATH"] = f"{folder / 'bin'}{os.pathsep}{known['PATH']}"
    done = subprocess.run(["bash", "-euc", steps(name)], cwd=folder, env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_backup_and_restore_as_documented(tmp_path):
    record = make_record(tmp_path)
    record.keep(answers(3), "a")
    head = record.verify().head.hash
    told = play(tmp_path, "backup", BACKUPS=str(tmp_path))
    assert f"head {head} (entry 3)" in told
    (copy,) = tmp_path.glob("record-*.sqlite")
    assert copy.stat().st_mode & 0o077 == 0
    record.keep([replace(ANSWER, session="after the backup")], "a")
    (tmp_path / "record.sqlite").write_bytes(b"the disk failed here")
    told = play(tmp_path, "restore", COPY=str(copy), RECORD=str(tmp_path / "record.sqlite"), HEAD=head)
    assert told.count("The log is whole") == 2
    restored = make_record(tmp_path)
    assert len(restored.search()) == 3
    assert restored.verify(head).problem is None
    restored.keep([replace(ANSWER, session="goes on")], "a")
    assert restored.verify(head).problem is None
    assert (tmp_path / "record.sqlite.damaged").read_bytes() == b"the disk failed here"


def test_a_backup_is_not_changed_by_later_writes(tmp_path):
    record = make_record(tmp_path)
    record.keep(answers(3), "a")
    database = Database(f"sqlite:///{tmp_path / 'record.sqlite'}")
    backup = back_up(database, tmp_path / "copy.sqlite")
    record.keep([replace(ANSWER, session="later")], "a")
    assert (backup.entries, backup.cases, backup.problem) == (3, 3, None)
    assert record.verify(backup.head.hash).problem is None


def test_a_broken_record_is_copied_and_reported(tmp_path):
    make_record(tmp_path).keep(answers(3), "a")
    tamper(tmp_path, "UPDATE audit SET actor = 'nobody' WHERE sequence = 2")
    backup = back_up(Database(f"sqlite:///{tmp_path / 'record.sqlite'}"), tmp_path / "copy.sqlite")
    assert backup.problem.startswith("Entry 2 (create")


def test_reasons_not_to_back_up_are_reported(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'record.sqlite'}")
    with pytest.raises(RecordError, match="no record yet"):
        back_up(database, tmp_path / "copy.sqlite")
    make_record(tmp_path).keep(answers(1), "a")
    (tmp_path / "copy.sqlite").write_text("precious")
    with pytest.raises(RecordError, match="Name a new file"):
        back_up(database, tmp_path / "copy.sqlite")
    assert (tmp_path / "copy.sqlite").read_text() == "precious"
    (tmp_path / "record.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(RecordError, match="could not be copied"):
        back_up(database, tmp_path / "other.sqlite")
    assert not (tmp_path / "other.sqlite").exists()
