import pytest

from pneumo.errors import ConfigError
from pneumo.record.settings import record_url, retention_days


@pytest.mark.parametrize("value", [None, "", "  "])
def test_nothing_is_kept_by_default(monkeypatch, value):
    monkeypatch.delenv("PNEUMO_RECORD", raising=False)
    if value is not None:
        monkeypatch.setenv("PNEUMO_RECORD", value)
    assert record_url() is None


def test_days(monkeypatch):
    monkeypatch.delenv("PNEUMO_RECORD_DAYS", raising=False)
    assert retention_days() is None
    monkeypatch.setenv("PNEUMO_RECORD_DAYS", " 30 ")
    assert retention_days() == 30


@pytest.mark.parametrize("text", ["0", "-1", "ten", "1.5", "99999999", "²"])
def test_invalid_days_are_refused(monkeypatch, text):
    monkeypatch.setenv("PNEUMO_RECORD_DAYS", text)
    with pytest.raises(ConfigError, match="1 to 36500"):
        retention_days()
