"""TLS in both directions: only callers with their own certificate are accepted, and nothing is sent to a false archive."""

import shutil
import socket

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from exchange.certificates import certificate
from exchange.dx import dx_bytes
from exchange.fakes import FakeArchive
from exchange.test_node import connection, image, node

from pneumo.errors import ConfigError
from pneumo.exchange.dimse import store
from pneumo.exchange.settings import SendSettings
from pneumo.exchange.tls import client_context, server_tls


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """{title: (certificate, key)}, and the folder of callers with PACS and CT01 only."""
    folder, callers = tmp_path_factory.mktemp("certificates"), tmp_path_factory.mktemp("callers")
    pairs = {title: certificate(folder, title) for title in ("NODE", "PACS", "CT01", "STRANGER")}
    for title in ("PACS", "CT01"):
        shutil.copy(pairs[title][0], callers)
    return pairs, callers


def environment(certificates, own="NODE", **further):
    pairs, _ = certificates
    certificate_file, key_file = pairs[own]
    return {"PNEUMO_TLS_CERTIFICATE": str(certificate_file), "PNEUMO_TLS_KEY": str(key_file)} | {
        f"PNEUMO_TLS_{n}": str(v) for n, v in further.items()
    }


@pytest.fixture(scope="module")
def served(certificates):
    return server_tls(environment(certificates, CALLERS=certificates[1]))


def calling(certificates, own):
    """TLS arguments of a caller that trusts the node and presents the certificate of `own` (None: no certificate)."""
    trusted = {"PNEUMO_TLS_ARCHIVE": str(certificates[0]["NODE"][0])}
    return client_context(environment(certificates, own) | trusted if own else trusted), "127.0.0.1"


def test_no_encryption_by_default():
    assert server_tls({}) is None
    assert client_context({}) is None
    assert SendSettings.from_environment({}).tls is None


def test_a_caller_with_its_certificate_sends(predictor, certificates, served):
    with node(predictor, lambda objects: (), tls=served) as running:
        with connection(running, "CT01", tls=calling(certificates, "CT01")) as association:
            assert association.send_c_store(image()).Status == 0x0000
        assert running.tally["answered"] == 1


@pytest.mark.parametrize(
    ("title", "own"),
    [
        pytest.param("CT01", "PACS", id="another caller's certificate"),
        pytest.param("MR01", "PACS", id="unknown title"),
        pytest.param("STRANGER", "STRANGER", id="unknown certificate"),
        pytest.param("CT01", "STRANGER", id="unknown certificate, known title"),
        pytest.param("CT01", None, id="no certificate"),
    ],
)
def test_other_callers_are_refused(predictor, certificates, served, title, own):
    with node(predictor, None, tls=served) as running:
        with connection(running, title, tls=calling(certificates, own)) as association:
            assert not association.is_established
        with connection(running, title) as association:  # not encrypted
            assert not association.is_established
        with connection(running, "PACS", tls=calling(certificates, "PACS")) as association:
            assert association.is_established


def test_without_callers_any_caller_is_accepted(predictor, certificates):
    with (
        node(predictor, None, tls=server_tls(environment(certificates))) as running,
        connection(running, "ANYBODY", tls=calling(certificates, None)) as association,
    ):
        assert association.is_established


def test_a_missing_handshake_blocks_nobody(predictor, certificates, served):
    with node(predictor, None, tls=served) as running:
        silent = [socket.create_connection(("127.0.0.1", running.port), timeout=60) for _ in range(3)]
        with connection(running, "PACS", tls=calling(certificates, "PACS")) as association:
            assert association.is_established
        for client in silent:
            client.close()


@pytest.mark.parametrize("known", [True, False])
def test_an_archive_over_tls(results_of, certificates, known):
    """Both sides require the other's certificate; nothing is sent to an archive with another one."""
    pairs, _ = certificates
    archive_tls = server_tls(environment(certificates, "PACS", CALLERS=pairs["NODE"][0].parent)).context
    trusted = pairs["PACS" if known else "CT01"][0]
    settings = SendSettings.from_environment(environment(certificates, ARCHIVE=trusted) | {"PNEUMO_SEND_TIMEOUT": "30"})
    fake = FakeArchive(tls=archive_tls)
    with fake.listening() as archive:
        outcomes = store(list(results_of(dx_bytes(gamma=0.4, side=64))), archive, settings)
    assert [outcome.state for outcome in outcomes] == (["arrived"] * 2 if known else ["failed"] * 2)
    assert len(fake.stored) == (2 if known else 0)
    if not known:
        assert "certificate" in outcomes[0].detail


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param({"CALLERS": "folder"}, "needs PNEUMO_TLS_CERTIFICATE", id="callers alone"),
        pytest.param({"CERTIFICATE": "nowhere.pem"}, "expected a certificate and its key", id="no such file"),
        pytest.param({"CERTIFICATE": "NODE.pem"}, "expected a certificate and its key", id="no key"),
        pytest.param({"CERTIFICATE": "NODE.pem", "KEY": "PACS.key"}, "belong together", id="another's key"),
        pytest.param({"CERTIFICATE": "NODE.pem", "KEY": "locked.key"}, "without a password", id="key with a password"),
        pytest.param({"CERTIFICATE": "NODE.pem", "KEY": "NODE.key", "CALLERS": "empty"}, "found none", id="no callers"),
        pytest.param({"CERTIFICATE": "NODE.pem", "KEY": "NODE.key", "CALLERS": "broken"}, "damaged", id="broken certificate"),
        pytest.param(
            {"CERTIFICATE": "NODE.pem", "KEY": "NODE.key", "CALLERS": "keys"}, "X.pem cannot be read", id="no certificate"
        ),
        pytest.param({"ARCHIVE": "nowhere.pem"}, "nowhere.pem cannot be read", id="no archive's certificate"),
    ],
)
def test_invalid_settings_are_refused(certificates, tmp_path, names, message):
    pairs, _ = certificates
    for folder in ("empty", "broken", "keys"):
        (tmp_path / folder).mkdir()
    (tmp_path / "broken" / "X.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    shutil.copy(pairs["PACS"][1], tmp_path / "keys" / "X.pem")
    key = serialization.load_pem_private_key(pairs["NODE"][1].read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret"))
    (tmp_path / "locked.key").write_bytes(locked)
    for file in [file for pair in pairs.values() for file in pair]:
        shutil.copy(file, tmp_path)
    environment = {f"PNEUMO_TLS_{name}": str(tmp_path / value) for name, value in names.items()}
    make = client_context if "ARCHIVE" in names else server_tls
    with pytest.raises(ConfigError, match=message):
        make(environment)
