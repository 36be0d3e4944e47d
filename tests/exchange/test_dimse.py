"""C-STORE to archives that behave, and to those that do not: nothing half-sent counts as sent."""

import pytest
from exchange.dx import dx_bytes
from exchange.fakes import PATIENT, QUICK, FakeArchive, closed_port, silent_port
from pydicom.uid import SecondaryCaptureImageStorage

from pneumo.errors import ExchangeError
from pneumo.exchange.dimse import echo, store
from pneumo.exchange.outcome import CONFIRMED, FAILED, UNCONFIRMED
from pneumo.exchange.settings import Archive, SendSettings


@pytest.fixture(scope="module")
def both(results_of):
    return list(results_of(dx_bytes(gamma=0.4, side=64)))


def states(outcomes):
    return [outcome.state for outcome in outcomes]


def test_what_was_sent_is_there(both):
    fake = FakeArchive()
    with fake.listening() as archive:
        outcomes = store(both, archive, PATIENT)
    assert [(outcome.kind, outcome.state) for outcome in outcomes] == [("SR", CONFIRMED), ("OT", CONFIRMED)]
    assert set(fake.stored) == {one.SOPInstanceUID for one in both}
    (capture,) = [one for one in fake.stored.values() if one.Modality == "OT"]
    assert (capture.pixel_array == both[1].pixel_array).all()
    assert capture.PatientID == "P-4711"


def test_an_archive_that_says_yes_and_stores_nothing(both):
    with FakeArchive(on_store=lambda *_: 0x0000).listening() as archive:
        outcomes = store(both, archive, PATIENT)
    assert states(outcomes) == [FAILED, FAILED]
    assert "does not have it" in outcomes[0].detail


@pytest.mark.parametrize("fake", [FakeArchive(query=False), FakeArchive(find_status=0xA900)], ids=["no C-FIND", "C-FIND fails"])
def test_an_archive_that_cannot_be_asked_is_not_believed(both, fake):
    with fake.listening() as archive:
        assert states(store(both, archive, PATIENT)) == [UNCONFIRMED, UNCONFIRMED]


def test_an_archive_that_has_the_object_already(both):
    fake = FakeArchive(on_store=lambda archive, event: 0x0111, stored={one.SOPInstanceUID: one for one in both})
    with fake.listening() as archive:
        assert states(store(both, archive, PATIENT)) == [CONFIRMED, CONFIRMED]


def test_refused_by_status(both):
    fake = FakeArchive(on_store=lambda archive, event: 0xA700 if archive.asked == 1 else None)
    with fake.listening() as archive:
        outcomes = store(both, archive, PATIENT)
    assert states(outcomes) == [FAILED, CONFIRMED]
    assert "0xA700" in outcomes[0].detail


def test_dropped_in_the_middle(both):
    """The second is broken off before its answer: the first has arrived, the second counts as nothing."""

    def second_breaks_off(archive, event):
        if archive.asked == 2:
            event.assoc.dul.socket.socket.close()
            return 0xC000
        return None

    fake = FakeArchive(on_store=second_breaks_off)
    with fake.listening() as archive:
        outcomes = store(both, archive, PATIENT)
    assert states(outcomes) == [CONFIRMED, FAILED]
    assert "broke off" in outcomes[1].detail


def test_aborted_at_the_first(both):
    def abort(archive, event):
        event.assoc.abort()
        return 0xC000

    with FakeArchive(on_store=abort).listening() as archive:
        outcomes = store(both, archive, SendSettings(timeout=3.0))
    assert states(outcomes) == [FAILED, FAILED]


def test_only_captures_are_accepted(both):
    with FakeArchive(kinds=(SecondaryCaptureImageStorage,)).listening() as archive:
        outcomes = store(both, archive, PATIENT)
    assert states(outcomes) == [FAILED, CONFIRMED]
    assert "does not accept this kind" in outcomes[0].detail


def test_nothing_is_accepted(both):
    with FakeArchive(kinds=()).listening() as archive:
        outcomes = store(both, archive, PATIENT)
    assert states(outcomes) == [FAILED, FAILED]
    assert "accepts none of the kinds" in outcomes[0].detail


def test_unknown_caller(both):
    with FakeArchive(known_callers=("SOMEONE",)).listening() as archive:
        outcomes = store(both, archive, PATIENT)
    assert states(outcomes) == [FAILED, FAILED]
    assert "knows PNEUMO" in outcomes[0].detail


def test_nobody_there(both):
    outcomes = store(both, Archive("127.0.0.1", closed_port(), "ARCHIVE"), PATIENT)
    assert states(outcomes) == [FAILED, FAILED]
    assert "does not answer" in outcomes[0].detail


def test_somebody_who_never_answers(both):
    with silent_port() as port:
        outcomes = store(both, Archive("127.0.0.1", port, "ARCHIVE"), QUICK)
    assert states(outcomes) == [FAILED, FAILED]
    assert "does not answer" in outcomes[0].detail


def test_echo():
    with FakeArchive().listening() as archive:
        echo(archive, PATIENT)
    with pytest.raises(ExchangeError, match="does not answer"):
        echo(archive, PATIENT)
