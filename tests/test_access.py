import pytest

from pneumo.access import AccessSettings, Action, EndedLogin, Role, has_ended, is_loopback, may, read_ended_logins, refusal, role_of
from pneumo.errors import ConfigError

NOW = 1_800_000_000.0
LOGIN = AccessSettings(login=True, researchers=frozenset({"research", "Ada@Example.org"}))


def claims(**more):
    return {"is_logged_in": True, "iat": NOW - 60, **more}


def test_rights_of_each_role():
    permitted = {role: {action.name for action in Action if may(role, action)} for role in (None, *Role)}
    assert permitted == {
        None: set(),
        Role.READER: {"READ"},
        Role.RESEARCHER: {"READ", "TRAIN", "DATA"},
        Role.ADMIN: {"READ", "TRAIN", "DATA", "RECORD", "SITE"},
    }


def test_without_login_everybody_is_admin():
    assert AccessSettings.from_environment({}) == AccessSettings()
    assert role_of({}, AccessSettings(), NOW) is Role.ADMIN


@pytest.mark.parametrize(
    ("token", "role"),
    [
        (claims(), None),
        (claims(roles=["pneumo-reader"]), Role.READER),
        (claims(roles="pneumo-reader"), Role.READER),  # some providers write a list of one as a string
        (claims(roles=["pneumo-reader", "research"]), Role.RESEARCHER),  # the highest role counts
        (claims(roles=["pneumo-admin"]), Role.ADMIN),
        (claims(roles=["pneumo-researcher"]), None),  # the settings name other groups for researchers
        (claims(roles=["Research"]), None),
        (claims(roles={"pneumo-admin": True}), None),
        (claims(roles=["ada@example.org"]), Role.RESEARCHER),
        (claims(email="ada@example.ORG", email_verified=True), Role.RESEARCHER),
        (claims(email="ada@example.org", email_verified="true"), Role.RESEARCHER),
        (claims(email="ada@example.org"), None),  # not verified
        (claims(email="ada@example.org", email_verified=False), None),
        (claims(roles=["pneumo-admin"], is_logged_in=False), None),
        (claims(roles=["pneumo-admin"], iat=NOW - 13 * 3600), None),
        (claims(roles=["pneumo-admin"], iat="now"), None),
        ({"is_logged_in": True, "roles": ["pneumo-admin"]}, None),
    ],
)
def test_role_of_a_token(token, role):
    assert role_of(token, LOGIN, NOW) is role


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("https://example.org/roles", {"https://example.org/roles": ["pneumo-admin"]}),
        ("realm_access.roles", {"realm_access": {"roles": ["pneumo-admin"]}}),
        ("groups", {"groups": ["x", "pneumo-admin"]}),
    ],
)
def test_role_claim_by_any_name(name, token):
    assert role_of(claims(**token), AccessSettings(login=True, claim=name), NOW) is Role.ADMIN
    assert role_of(claims(realm_access="x"), AccessSettings(login=True, claim=name), NOW) is None


def test_everybody_who_logs_in_can_be_made_a_reader():
    settings = AccessSettings.from_environment({"PNEUMO_LOGIN": "oidc", "PNEUMO_READERS": "*"})
    assert role_of(claims(), settings, NOW) is Role.READER
    assert role_of(claims(is_logged_in=False), settings, NOW) is None


def test_from_the_environment():
    environment = {
        "PNEUMO_LOGIN": " oidc ",
        "PNEUMO_ROLE_CLAIM": "groups",
        "PNEUMO_READERS": "ward, ,clinic",
        "PNEUMO_ADMINS": "it@example.org",
        "PNEUMO_LOGIN_HOURS": "1.5",
        "PNEUMO_HOSTS": "Pneumo.example.org, 10.0.0.7,[fe80::1]",
    }
    assert AccessSettings.from_environment(environment) == AccessSettings(
        login=True,
        claim="groups",
        readers=frozenset({"ward", "clinic"}),
        admins=frozenset({"it@example.org"}),
        hours=1.5,
        hosts=frozenset({"pneumo.example.org", "10.0.0.7", "[fe80::1]"}),
    )


def test_ended_logins_are_read_at_every_call(tmp_path):
    environment = {"PNEUMO_LOGIN": "oidc", "PNEUMO_ENDED_LOGINS": str(tmp_path / "ended")}
    with pytest.raises(ConfigError, match="PNEUMO_ENDED_LOGINS"):
        AccessSettings.from_environment(environment)
    (tmp_path / "ended").write_text("")
    token = claims(roles=["pneumo-admin"], sub="ada")
    assert role_of(token, AccessSettings.from_environment(environment), NOW) is Role.ADMIN
    (tmp_path / "ended").write_text("ada 2027-01-15T08:00:00Z")  # NOW
    assert role_of(token, AccessSettings.from_environment(environment), NOW) is None
    assert role_of({**token, "iat": NOW + 1}, AccessSettings.from_environment(environment), NOW + 2) is Role.ADMIN


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOGIN", "yes"),
        ("OPEN", "1"),
        ("OPEN", "true"),
        ("LOGIN_HOURS", "0"),
        ("LOGIN_HOURS", "nan"),
        ("LOGIN_HOURS", "721"),
        ("LOGIN_HOURS", "soon"),
        ("ADMINS", "*"),
        ("RESEARCHERS", "a,*"),
        ("HOSTS", "*"),
        ("HOSTS", "pneumo.example.org:443"),
        ("HOSTS", "https://pneumo.example.org"),
    ],
)
def test_invalid_settings_are_refused(name, value):
    with pytest.raises(ConfigError, match="PNEUMO_"):
        AccessSettings.from_environment({f"PNEUMO_{name}": value})


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("LocalHost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("192.168.1.5", False),
        ("pneumo.example.org", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_loopback(address, loopback):
    assert is_loopback(address) is loopback


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "", None, "192.168.1.5"])
def test_a_network_address_needs_a_login_or_pneumo_open(address):
    message = refusal(address, AccessSettings())
    assert message
    assert "PNEUMO_LOGIN=oidc" in message
    assert "PNEUMO_OPEN=no-login" in message
    assert refusal(address, AccessSettings(login=True)) is None
    assert refusal(address, AccessSettings.from_environment({"PNEUMO_OPEN": "no-login"})) is None


def test_this_computer_needs_nothing():
    assert refusal("127.0.0.1", AccessSettings()) is None
    assert refusal("::1", AccessSettings()) is None


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
