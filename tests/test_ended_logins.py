import pytest

from pneumo.ended_logins import EndedLogin, has_ended, read_ended_logins
from pneumo.errors import ConfigError


def written(tmp_path, text):
    (tmp_path / "ended").write_text(text, "utf-8")
    return tmp_path / "ended"


def test_lines_are_read_and_comments_skipped(tmp_path):
    path = written(
        tmp_path,
        "# who left\n\nAda@example.org 1970-01-01T01:00:00+01:00\n  auth0|7  1970-01-01T00:01:00Z \n* 1970-01-02T00:00:00+00:00\n",
    )
    assert read_ended_logins(path) == (EndedLogin("ada@example.org", 0.0), EndedLogin("auth0|7", 60.0), EndedLogin("*", 86400.0))


@pytest.mark.parametrize(
    "line",
    [
        "ada@example.org",
        "2026-11-03T14:00:00Z",
        "ada@example.org 2026-11-03T14:00:00",  # no offset
        "ada@example.org soon",
        "ada@example.org 2026-11-03T14:00:00Z for good",
    ],
)
def test_a_malformed_line_is_refused_without_quoting_it(tmp_path, line):
    with pytest.raises(ConfigError, match="line 2") as error:
        read_ended_logins(written(tmp_path, f"* 2026-01-01T00:00:00Z\n{line}\n"))
    assert "ada@example.org 2026-11-03T14:00:00+01:00" in str(error.value)  # the example alone
    assert "soon" not in str(error.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="PNEUMO_ENDED_LOGINS"):
        read_ended_logins(tmp_path / "missing")
    (tmp_path / "latin").write_bytes("Jürgen".encode("latin-1"))
    with pytest.raises(ConfigError, match="PNEUMO_ENDED_LOGINS"):
        read_ended_logins(tmp_path / "latin")


@pytest.mark.parametrize(
    ("claims", "ended"),
    [
        ({"sub": "ada", "iat": 99}, True),
        ({"sub": "ada", "iat": 100}, True),
        ({"sub": "ada", "iat": 101}, False),
        ({"sub": "ADA", "iat": 99}, True),
        ({"sub": "x", "email": "Ada", "iat": 99}, True),
        ({"sub": "eve", "email": "eve@example.org", "iat": 99}, False),
        ({"sub": "ada"}, True),
        ({"iat": 40}, True),
        ({"iat": 60}, False),
    ],
)
def test_which_logins_are_ended(claims, ended):
    assert has_ended(claims, (EndedLogin("ada", 100.0), EndedLogin("*", 50.0))) is ended
    assert not has_ended(claims, ())
