"""The current tables, created by migrations/. Times are texts, so that every database gives the same hashes."""

from sqlalchemy import Column, Double, Integer, MetaData, String, Table, Text

from pneumo.imaging.measures import MEANING

METADATA = MetaData()

CASES = Table(
    "cases",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("created", String(24), nullable=False),
    Column("session", String(32), nullable=False),
    Column("salt", String(32), nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("model", Text, nullable=False),
    Column("model_sha256", String(64), nullable=False),
    Column("probability", Double, nullable=False),
    Column("operating_point", Text, nullable=False),
    Column("threshold", Double, nullable=False),
    Column("label", String(16), nullable=False),
    Column("zone", String(16), nullable=False),
    Column("gate", String(16), nullable=False),
    Column("warnings", Text, nullable=False),  # a JSON list of sentences
    Column("agreement", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Column("reference", String(16), nullable=False),  # NORMAL or PNEUMONIA, entered later; none
    *(Column(name, Double) for name in MEANING),  # see imaging/measures.py; NULL: unknown
)

REFUSALS = Table(
    "refusals",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("created", String(24), nullable=False),
    Column("session", String(32), nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("model", Text, nullable=False),
    Column("model_sha256", String(64), nullable=False),
    Column("status", String(16), nullable=False),  # rejected or error
)

SHADOWS = Table(
    "shadows",
    METADATA,
    Column("case_id", String(32), primary_key=True),
    Column("model_sha256", String(64), primary_key=True),
    Column("model", Text, nullable=False),
    Column("card_sha256", String(64), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("probability", Double),
    Column("label", String(16), nullable=False),
    Column("label_at_active_cut", String(16), nullable=False),
    Column("zone", String(16), nullable=False),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("sequence", Integer, primary_key=True),
    Column("time", String(24), nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(16), nullable=False),
    Column("case_id", String(32), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

HEAD = Table(
    "audit_head",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)
