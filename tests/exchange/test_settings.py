import pytest

from pneumo.errors import ConfigError
from pneumo.exchange.settings import Archive, SendSettings, WebArchive, checked_ae_title, objects_asked


def test_nothing_is_sent_by_default():
    settings = SendSettings.from_environment({})
    assert (settings.archive, settings.web, settings.ae_title, settings.timeout) == (None, None, "PNEUMO", 20.0)
    assert settings == SendSettings()


def test_from_the_environment():
    environment = {
        "PNEUMO_PACS": "pacs.example.org:104:ARCHIVE",
        "PNEUMO_STOW_URL": "https://pacs.example.org/dicom-web/",
        "PNEUMO_STOW_USER": "u",
        "PNEUMO_STOW_PASSWORD": "p",
        "PNEUMO_AE_TITLE": "READER",
        "PNEUMO_SEND_TIMEOUT": "3",
    }
    settings = SendSettings.from_environment(environment)
    assert settings.archive == Archive("pacs.example.org", 104, "ARCHIVE")
    assert settings.web == WebArchive("https://pacs.example.org/dicom-web", "u", "p")
    assert (settings.ae_title, settings.timeout) == ("READER", 3.0)


@pytest.mark.parametrize("text", ["", "p", "p:104", "p:0:A", "p:65536:A", "p:x:A", ":104:A", "p:104:", "p:104:" + 17 * "A"])
def test_malformed_archive(text):
    with pytest.raises(ConfigError):
        Archive.parse(text)


def test_archive_by_ipv6_address():
    assert Archive.parse("[::1]:104:A") == Archive("::1", 104, "A")


@pytest.mark.parametrize(
    "url", ["pacs/web", "ftp://pacs", "https://", "https://u:secret@pacs", "https://pacs?key=secret", "http://[::1"]
)
def test_malformed_url(url):
    with pytest.raises(ConfigError) as caught:
        SendSettings.from_environment({"PNEUMO_STOW_URL": url})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("credentials", [("u", ""), ("", "secret"), ("u", "secret"), ("", "", "secret")])
@pytest.mark.parametrize("host", ["pacs.example.org", "10.0.0.7", "localhost.example.org", "127.0.0.1.example.org", "[::2]"])
def test_no_credentials_over_plain_http(host, credentials):
    with pytest.raises(ConfigError, match="https only") as caught:
        WebArchive(f"http://{host}/dicom-web", *credentials)
    assert "secret" not in str(caught.value)
    WebArchive(f"https://{host}/dicom-web", *credentials)
    WebArchive(f"http://{host}/dicom-web")


@pytest.mark.parametrize("host", ["127.0.0.1:8042", "localhost", "[::1]:8042"])
def test_credentials_over_http_to_this_computer(host):
    assert WebArchive(f"http://{host}/dicom-web", token="secret").token == "secret"


@pytest.mark.parametrize("timeout", ["0", "-1", "soon", "601", "nan"])
def test_invalid_timeout(timeout):
    with pytest.raises(ConfigError, match="PNEUMO_SEND_TIMEOUT"):
        SendSettings.from_environment({"PNEUMO_SEND_TIMEOUT": timeout})


@pytest.mark.parametrize("title", ["", " ", 17 * "A", "Ä", "A\\B", "A\nB"])
def test_invalid_ae_title(title):
    with pytest.raises(ConfigError):
        checked_ae_title(title)


@pytest.mark.parametrize(
    ("flag", "environment", "objects"),
    [
        (None, "", {"report", "capture"}),
        (None, "PDF, seg", {"report", "pdf", "seg"}),
        ("report,capture,pdf", "seg", {"report", "capture", "pdf"}),
        ("report", "pdf", {"report"}),
    ],
)
def test_objects_made(flag, environment, objects):
    assert objects_asked(flag, {"PNEUMO_OBJECTS": environment}) == objects


def test_unknown_objects():
    with pytest.raises(ConfigError, match="report, capture, pdf, seg; received gsps"):
        objects_asked("report,gsps", {})
