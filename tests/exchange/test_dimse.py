"""C-STORE to working and faulty archives; an incompletely sent object never counts as sent."""

import pytest
from exchange.dx import dx_bytes
from exchange.fakes import PATIENT, QUICK, FakeArchive, closed_port, silent_port
from pydicom.uid import SecondaryCaptureImageStorage

from pneumo.errors import ExchangeError
from pneumo.exchange.dimse import echo, store
from pneumo.exchange.outcome import CONFIRMED, FAILED, UNCONFIRMED
from pneumo.exchange.results import make_results
from pneumo.exchange.settings import Archive, SendSettings
from pneumo.inference.finding import Terms, read


@pytest.fixture(scope="module")
def both(results_of):
    return list(results_of(dx_bytes(gamma=0.4, side=64)))


def states(outcomes):
    return [outcome.state for outcome in outcomes]


def test_sent_objects_arrive(both):
    fake = FakeArchive()
    with fake.listening() as archive:
        outcomes = store(both, archive, PATIENT)
    assert [(outcome.kind, outcome.state) for outcome in outcomes] == [("SR", CONFIRMED), ("OT", CONFIRMED)]
    assert set(fake.stored) == {result.SOPInstanceUID for result in both}
    (capture,) = [result for result in fake.stored.values() if result.Modality == "OT"]
    assert (capture.pixel_array == both[1].pixel_array).all()
    assert capture.PatientID == "P-4711"


def test_every_kind_is_offered_and_a_kind_not_accepted_is_reported(predictor, everything):
    data = dx_bytes(gamma=0.4, side=448)
    results = list(make_results(data, read(data, predictor), predictor.card, Terms(), everything))
    with FakeArchive().listening() as archive:
        outcomes = store(results, archive, PATIENT)
    kinds = ["SR", "OT", "DOC", "SEG", "SEG"]
    assert [(outcome.kind, outcome.state) for outcome in outcomes] == [(kind, CONFIRMED) for kind in kinds]
    fake = FakeArchive()
    fake.kinds = fake.kinds[:-1]
    with fake.listening() as archive:
        outcomes = store(results, archive, PATIENT)
    assert states(outcomes) == [CONFIRMED] * 3 + [FAILED] * 2
    assert "does not accept this kind" in outcomes[-1].detail


def test_an_archive_that_accepts_but_does_not_store(both):
    with FakeArchive(on_store=lambda *_: 0x0000).listening() as archive:
        outcomes = store(both, archive, PATIENT)
    assert states(outcomes) == [FAILED, FAILED]
    assert "does not have it" in outcomes[0].detail


@pytest.mark.parametrize("fake", [FakeArchive(query=False), FakeArchive(find_status=0xA900)], ids=["no C-FIND", "C-FIND fails"])
def test_without_a_working_query_the_state_is_unconfirmed(both, fake):
    with fake.listening() as archive:
        assert states(store(both, archive, PATIENT)) == [UNCONFIRMED, UNCONFIRMED]


def test_a_duplicate_counts_as_arrived(both):
    fake = FakeArchive(on_store=lambda archive, event: 0x0111, stored={result.SOPInstanceUID: result for result in both})
    with fake.listening() as archive:
        assert states(store(both, archive, PATIENT)) == [CONFIRMED, CONFIRMED]


def test_refused_by_status(both):
    fake = FakeArchive(on_store=lambda archive, event: 0xA700 if archive.asked == 1 else None)
    with fake.listening() as archive:
        outcomes = store(both, archive, PATIENT)
    assert states(outcomes) == [FAILED, CONFIRMED]
    assert "0xA700" in outcomes[0].detail


def test_connection_lost_during_the_second_object(both):
    """The connection is lost before the second answer: the first object has arrived, the second counts as failed."""

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


def test_association_aborted_at_the_first_object(both):
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


def test_no_archive_at_the_address(both):
    outcomes = store(both, Archive("127.0.0.1", closed_port(), "ARCHIVE"), PATIENT)
    assert states(outcomes) == [FAILED, FAILED]
    assert "does not answer" in outcomes[0].detail


def test_an_archive_that_never_answers(both):
    with silent_port() as port:
        outcomes = store(both, Archive("127.0.0.1", port, "ARCHIVE"), QUICK)
    assert states(outcomes) == [FAILED, FAILED]
    assert "does not answer" in outcomes[0].detail


def test_echo():
    with FakeArchive().listening() as archive:
        echo(archive, PATIENT)
    with pytest.raises(ExchangeError, match="does not answer"):
        echo(archive, PATIENT)
