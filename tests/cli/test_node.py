"""`python -m pneumo node` as a process: from a study received to a clean end."""

import signal

import pytest
from exchange.dx import NAME, dx_dataset
from exchange.fakes import FakeArchive, closed_port
from exchange.running import node_process, waited
from pynetdicom import AE
from tiny_model import make_registry

from pneumo.cli.main import main


@pytest.fixture
def models(tmp_path, monkeypatch):
    root = make_registry(tmp_path / "models")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    monkeypatch.delenv("PNEUMO_PACS", raising=False)
    return root


@pytest.mark.slow
def test_received_answered_returned_ended(models, tmp_path):
    fake, port, log = FakeArchive(), closed_port(), tmp_path / "log"
    source = dx_dataset(gamma=0.4, side=64, PatientName=NAME)
    words = ["--ae-title", "READER", "--allow", "CT01"]
    with fake.listening() as archive, node_process(models, log, archive, port, *words) as process:
        modality = AE(ae_title="CT01")
        modality.acse_timeout = modality.dimse_timeout = modality.network_timeout = 600  # an answer takes as long as reading does
        modality.add_requested_context(source.SOPClassUID)
        association = modality.associate("127.0.0.1", port, ae_title="READER")
        assert association.send_c_store(source).Status == 0x0000
        association.release()
        assert waited(lambda: len(fake.stored) == 2), log.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(600) == 0
    told = log.read_text()
    assert "READER listens on 127.0.0.1" in told
    assert "the archive ARCHIVE answers" in told
    assert told.splitlines()[-1] == "ended: 1 answered, 1 received, 2 results arrived, 0 left unread"
    for word in ("Zwetschgenbaum", "P-4711", str(source.StudyInstanceUID), str(source.SOPInstanceUID)):
        assert word not in told


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], id="no archive"),
        pytest.param(["--archive", "somewhere"], id="half an archive"),
        pytest.param(["--archive", "h:1:A", "--port", "99999"], id="no port"),
        pytest.param(["--archive", "h:1:A", "--ae-title", "A" * 17], id="long AE title"),
        pytest.param(["--archive", "h:1:A", "--allow", ""], id="empty caller"),
        pytest.param(["--archive", "h:1:A", "--operating-point", "none"], id="no operating point"),
    ],
)
def test_wrong_usage_is_exit_2(models, words, capsys):
    assert main(["node", *words]) == 2
    assert capsys.readouterr().err
