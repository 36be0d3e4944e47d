import csv
import datetime
import os

import pytest

from pneumo.evaluation.ledger import COLUMNS, add_row


def summary(auc: float) -> dict:
    values = {"auc": auc, "accuracy": 0.91239, "sensitivity": 0.9, "specificity": float("nan")}
    return {name: {"value": value, "low": 0.0, "high": 1.0} for name, value in values.items()}


def test_rows_are_appended_and_never_replaced(tmp_path):
    path = tmp_path / "ledger.csv"
    add_row(path, "abc123", "cnn-1", summary(0.98765), "first look")
    once = path.read_bytes()
    add_row(path, "def456", "resnet50-1", summary(0.5), 'again, after "the" fix')
    assert path.read_bytes().startswith(once)
    rows = list(csv.reader(path.open(encoding="utf-8", newline="")))
    today = datetime.date.today().isoformat()
    assert rows == [
        list(COLUMNS),
        [today, "abc123", "cnn-1", "0.9877", "0.9124", "0.9000", "nan", "first look"],
        [today, "def456", "resnet50-1", "0.5000", "0.9124", "0.9000", "nan", 'again, after "the" fix'],
    ]


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are a POSIX matter")
def test_a_full_disk_leaves_the_other_rows_unchanged(tmp_path):
    import resource

    path = tmp_path / "ledger.csv"
    add_row(path, "abc123", "cnn-1", summary(0.98765), "first look")
    once, (soft, hard) = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(once) + 10, hard))
    try:
        with pytest.raises(OSError, match="No space left"):
            add_row(path, "def456", "resnet50-1", summary(0.5), "second look")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == once


def test_a_reason_is_no_formula(tmp_path):
    add_row(tmp_path / "ledger.csv", "abc", "cnn-1", summary(0.5), "=HYPERLINK(1)\n2026,forged")
    with open(tmp_path / "ledger.csv", encoding="utf-8") as file:
        assert file.read().splitlines()[1:] == [
            f'{datetime.date.today()},abc,cnn-1,0.5000,0.9124,0.9000,nan,"\'=HYPERLINK(1)\\n2026,forged"'
        ]
