"""Ed25519 signatures in the format of minisign (jedisct1.github.io/minisign), whose own program makes and checks them as well.

A signed message is first hashed with BLAKE2b-512. A trusted comment is signed with it; the untrusted one is for the eye.
Text that is none of these formats raises ValueError.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field

_ALGORITHM, _HASHED = b"Ed", b"ED"  # of a key; of a signature over the message's hash
_NO_PASSWORD = b"\0\0"
_CHECKSUM = b"B2"
_TRUSTED = "trusted comment: "


@dataclass(frozen=True)
class PublicKey:
    """Who signed: anybody may have it."""

    number: bytes  # 8 random bytes that name the pair
    raw: bytes  # 32

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """A .pub file, or its second line alone."""
        data = _decoded(_lines(text)[-1], 42)
        if data[:2] != _ALGORITHM:
            raise ValueError("no public key of minisign")
        return cls(data[2:10], data[10:])

    @property
    def id(self) -> str:
        """As minisign prints it."""
        return self.number[::-1].hex().upper()

    @property
    def line(self) -> str:
        """What `minisign -P` takes."""
        return base64.b64encode(_ALGORITHM + self.number + self.raw).decode()

    @property
    def text(self) -> str:
        return f"untrusted comment: minisign public key {self.id}\n{self.line}\n"

    def verifies(self, message: bytes, signature: "Signature") -> bool:
        """Whether the holder of this key signed `message` and the signature's trusted comment."""
        from cryptography.exceptions import InvalidSignature  # an import of a tenth of a second
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        key = Ed25519PublicKey.from_public_bytes(self.raw)
        try:
            key.verify(signature.raw, hashlib.blake2b(message).digest())
            key.verify(signature.whole, signature.raw + signature.comment.encode())
        except InvalidSignature:
            return False
        return signature.number == self.number


@dataclass(frozen=True)
class SecretKey:
    """What signs: its holder's alone."""

    number: bytes
    seed: bytes = field(repr=False)  # 32

    @classmethod
    def new(cls) -> "SecretKey":
        return cls(secrets.token_bytes(8), secrets.token_bytes(32))

    @classmethod
    def parse(cls, text: str) -> "SecretKey":
        """A key file without a password (`minisign -G -W`)."""
        data = _decoded(_lines(text)[-1], 158)
        if data[:2] != _ALGORITHM:
            raise ValueError("no secret key of minisign")
        if data[2:4] != _NO_PASSWORD:
            raise ValueError("it has a password; sign with minisign itself")
        key = cls(data[54:62], data[62:94])
        if key.public.raw != data[94:126]:  # minisign leaves the checksum of such a file empty
            raise ValueError("it is damaged")
        return key

    @property
    def public(self) -> PublicKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return PublicKey(self.number, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    @property
    def text(self) -> str:
        data = _ALGORITHM + _NO_PASSWORD + _CHECKSUM + bytes(48) + self.number + self.seed + self.public.raw + bytes(32)
        return f"untrusted comment: minisign secret key {self.public.id}\n{base64.b64encode(data).decode()}\n"

    def sign(self, message: bytes, comment: str) -> "Signature":
        """`comment`: one line, trusted by whoever trusts the signature."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        raw = key.sign(hashlib.blake2b(message).digest())
        return Signature(self.number, raw, comment, key.sign(raw + comment.encode()))


@dataclass(frozen=True)
class Signature:
    """A .minisig file."""

    number: bytes  # of the key
    raw: bytes  # 64, over the message's hash
    comment: str
    whole: bytes  # 64, over `raw` and `comment`

    @classmethod
    def parse(cls, text: str) -> "Signature":
        lines = _lines(text)
        if len(lines) != 4 or not lines[2].startswith(_TRUSTED):
            raise ValueError("no signature of minisign")
        data, whole = _decoded(lines[1], 74), _decoded(lines[3], 64)
        if data[:2] != _HASHED:
            raise ValueError("a signature of another kind than minisign makes today")
        return cls(data[2:10], data[10:], lines[2].removeprefix(_TRUSTED), whole)

    @property
    def id(self) -> str:
        """Of the key, as minisign prints it."""
        return self.number[::-1].hex().upper()

    @property
    def text(self) -> str:
        first, last = (base64.b64encode(data).decode() for data in (_HASHED + self.number + self.raw, self.whole))
        return f"untrusted comment: signature of a model folder's manifest\n{first}\n{_TRUSTED}{self.comment}\n{last}\n"


def _lines(text: str) -> list[str]:
    return text.strip("\r\n").replace("\r\n", "\n").split("\n")


def _decoded(line: str, length: int) -> bytes:
    data = base64.b64decode(line.strip(), validate=True)
    if len(data) != length:
        raise ValueError(f"expected {length} bytes, found {len(data)}")
    return data
