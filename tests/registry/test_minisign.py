"""The format of minisign: what its own program made is read, and what is made here it takes."""

import shutil
import subprocess
from dataclasses import replace

import pytest

from pneumo.registry.minisign import PublicKey, SecretKey, Signature

# Made by minisign 0.11 over b"0123  a\n", with a key that was thrown away.
PUBLIC = """untrusted comment: minisign public key 170BD3FEC4CEBE3A
RWQ6vs7E/tMLF7Fpuk5QiTflnx362UhLA9Msku+0tNb4d3XXoXYfmcLw
"""
SIGNATURE = """untrusted comment: signature from minisign secret key
RUQ6vs7E/tMLF+fFWPr9QpMv0S6nebgs/NumDn/+DCRh3RD+omi8kTUQZE0YLwG93GUi8sFdKofTg2wzaDFWwcLZ9lY0zV5wCg8=
trusted comment: signed by the program
aEL5MH3rifdf0jwfvFwEQ9TVbs7ghKkNTn2BME6Iy7eMfENKjSIZoDaSMesKsNBX4lU7KaIjBxbQbRl3Wyj4Ag==
"""
MESSAGE = b"0123  a\n"


def test_a_signature_of_the_program_is_read():
    key, signature = PublicKey.parse(PUBLIC), Signature.parse(SIGNATURE)
    assert key.id == signature.id == "170BD3FEC4CEBE3A"
    assert key.text == PUBLIC
    assert PublicKey.parse(key.line) == key
    assert signature.comment == "signed by the program"
    assert Signature.parse(SIGNATURE.replace("\n", "\r\n")) == signature
    assert key.verifies(MESSAGE, signature)


def test_nothing_else_verifies():
    key, signature = PublicKey.parse(PUBLIC), Signature.parse(SIGNATURE)
    assert not key.verifies(MESSAGE + b" ", signature)
    assert not key.verifies(MESSAGE, replace(signature, comment="signed by the programme"))
    assert not key.verifies(MESSAGE, replace(signature, raw=signature.whole))
    assert not key.verifies(MESSAGE, replace(signature, number=bytes(8)))
    assert not replace(key, raw=SecretKey.new().public.raw).verifies(MESSAGE, signature)


def test_what_is_made_here_is_read_again():
    key = SecretKey.new()
    assert SecretKey.parse(key.text) == key
    assert key.public.number != SecretKey.new().public.number
    signature = Signature.parse(key.sign(MESSAGE, "model tiny").text)
    assert key.public.verifies(MESSAGE, signature)
    assert "seed" not in repr(key)


@pytest.mark.skipif(shutil.which("minisign") is None, reason="minisign is not installed")
def test_the_program_takes_what_is_made_here(tmp_path):
    key = SecretKey.new()
    (tmp_path / "MANIFEST").write_bytes(MESSAGE)
    (tmp_path / "MANIFEST.minisig").write_text(key.sign(MESSAGE, "model tiny").text)
    check = ["minisign", "-Vm", str(tmp_path / "MANIFEST"), "-P", key.public.line]
    assert "model tiny" in subprocess.run(check, capture_output=True, text=True, check=True).stdout
    (tmp_path / "MANIFEST.minisig").unlink()
    (tmp_path / "key").write_text(key.text)
    subprocess.run(["minisign", "-Sm", str(tmp_path / "MANIFEST"), "-s", str(tmp_path / "key")], capture_output=True, check=True)
    assert key.public.verifies(MESSAGE, Signature.parse((tmp_path / "MANIFEST.minisig").read_text()))


@pytest.mark.parametrize("text", ["", "x", "RWQ=", PUBLIC.replace("RWQ", "RWX"), SIGNATURE, PUBLIC[:-5], "untrusted comment: \n\n"])
def test_what_is_no_public_key(text):
    with pytest.raises(ValueError, match=r"."):
        PublicKey.parse(text)


@pytest.mark.parametrize(
    "text",
    ["", PUBLIC, "\n".join(SIGNATURE.splitlines()[:3]), SIGNATURE.replace("trusted comment: s", "comment: s"),
     SIGNATURE.replace("RUQ6", "RWQ6"), SIGNATURE.replace("RUQ6", "RUQ"), SIGNATURE + "more\n"],
)  # fmt: skip
def test_what_is_no_signature(text):
    with pytest.raises(ValueError, match=r"."):
        Signature.parse(text)


def test_a_key_with_a_password_or_a_wrong_half_is_refused():
    import base64

    first, line = SecretKey.new().text.splitlines()
    data = base64.b64decode(line)
    locked = data[:2] + b"Sc" + data[4:]
    with pytest.raises(ValueError, match="has a password; sign with minisign itself"):
        SecretKey.parse(f"{first}\n{base64.b64encode(locked).decode()}")
    torn = data[:100] + bytes([data[100] ^ 1]) + data[101:]
    with pytest.raises(ValueError, match="damaged"):
        SecretKey.parse(f"{first}\n{base64.b64encode(torn).decode()}")
