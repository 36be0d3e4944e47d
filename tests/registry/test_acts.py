from datetime import UTC, datetime

import pytest

from pneumo.errors import DataError
from pneumo.registry import acts
from pneumo.registry.acts import active_model, add_act, candidate_model, profile_in_use, read_acts


def act(folder, action, subject="m", digest="d"):
    return add_act(action, subject, digest, "why", "me", folder, lambda: datetime(2026, 1, 2, tzinfo=UTC))


def test_acts_are_read_as_they_were_written_in_a_chain(tmp_path):
    written = (act(tmp_path, acts.PLAN), act(tmp_path, acts.TEST), act(tmp_path, acts.RESULT))
    assert read_acts(tmp_path) == written
    assert [each.sequence for each in written] == [1, 2, 3]
    assert written[2].previous == written[1].hash
    assert written[0].time == "2026-01-02T00:00:00Z"
    assert read_acts(tmp_path / "nowhere") == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [lines[0].replace('"me"', '"you"'), *lines[1:]],
        lambda lines: lines[1:],
        lambda lines: lines[::-1],
        lambda lines: [lines[0], lines[2]],
        lambda lines: [*lines, "{}"],
        lambda lines: ["no json", *lines],
        lambda lines: [lines[0].replace('"sequence": 1', '"sequence": "1"'), *lines[1:]],
    ],
)
def test_altered_acts_are_refused_and_not_added_to(tmp_path, change):
    for action in (acts.PLAN, acts.TEST, acts.RESULT):
        act(tmp_path, action)
    path = tmp_path / acts.FILE
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"line [124] does not follow"):
        read_acts(tmp_path)
    with pytest.raises(DataError):
        act(tmp_path, acts.PLAN)
    assert path.read_bytes() == before


def test_the_newest_act_says_what_is_active_tried_and_used(tmp_path):
    assert (active_model(()), candidate_model(()), profile_in_use(())) == (None, None, None)
    act(tmp_path, acts.ACTIVATE, "one", "1")
    act(tmp_path, acts.CANDIDATE, "two", "2")
    act(tmp_path, acts.USE, "profile")
    history = read_acts(tmp_path)
    assert (active_model(history).subject, candidate_model(history).subject, profile_in_use(history).subject) == (
        "one",
        "two",
        "profile",
    )
    act(tmp_path, acts.ACTIVATE, "two", "2")
    act(tmp_path, acts.LEAVE, "profile")
    history = read_acts(tmp_path)
    assert (active_model(history).subject, candidate_model(history), profile_in_use(history)) == ("two", None, None)
    act(tmp_path, acts.BACK, "one", "1")
    assert active_model(read_acts(tmp_path)).subject == "one"
    act(tmp_path, acts.END, "two")
    assert candidate_model(read_acts(tmp_path)) is None


def test_a_check_that_raises_writes_nothing(tmp_path):
    def refuse(before):
        raise DataError("no")

    with pytest.raises(DataError, match="no"):
        add_act(acts.ACTIVATE, "m", "", "", "me", tmp_path, check=refuse)
    assert read_acts(tmp_path) == ()


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="Nothing was changed"):
        act(tmp_path / "file", acts.PLAN)
