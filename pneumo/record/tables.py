"""The current tables, created by migrations/. Times are texts, so that every database gives the same hashes."""

from typing import Any

from sqlalchemy import Column, Double, Integer, MetaData, String, Table, Text

from pneumo.imaging.measures import MEANING

METADATA = MetaData()


def _filled(kind: Any, *names: str) -> list[Column[Any]]:
    """Columns of one type that are never NULL."""
    return [Column(name, kind, nullable=False) for name in names]


CASES = Table(
    "cases",
    METADATA,
    Column("id", String(32), primary_key=True),
    *_filled(String(24), "created"),
    *_filled(String(32), "session", "salt"),
    *_filled(String(64), "file_sha256", "model_sha256"),
    *_filled(Text, "model", "operating_point", "note"),
    *_filled(Text, "warnings"),  # a JSON list of sentences
    *_filled(Double, "probability", "threshold"),
    *_filled(String(16), "label", "zone", "gate", "agreement"),
    *_filled(String(16), "reference"),  # NORMAL or PNEUMONIA, entered later; none
    *(Column(name, Double) for name in MEANING),  # see imaging/measures.py; NULL: unknown
)

REFUSALS = Table(
    "refusals",
    METADATA,
    Column("id", String(32), primary_key=True),
    *_filled(String(24), "created"),
    *_filled(String(32), "session"),
    *_filled(String(64), "file_sha256", "model_sha256"),
    *_filled(Text, "model"),
    *_filled(String(16), "status"),  # rejected or error
)

SHADOWS = Table(
    "shadows",
    METADATA,
    Column("case_id", String(32), primary_key=True),
    Column("model_sha256", String(64), primary_key=True),
    Column("card_sha256", String(64), primary_key=True),
    *_filled(Text, "model"),
    *_filled(String(16), "status", "label", "label_at_active_cut", "zone"),
    Column("probability", Double),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("sequence", Integer, primary_key=True),
    *_filled(String(24), "time"),
    *_filled(Text, "actor"),
    *_filled(String(16), "action"),
    *_filled(String(32), "case_id"),
    *_filled(String(64), "digest", "previous", "hash"),
)

HEAD = Table(
    "audit_head", METADATA, Column("id", Integer, primary_key=True), *_filled(Integer, "sequence"), *_filled(String(64), "hash")
)
