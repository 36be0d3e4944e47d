"""The tables, as SQLAlchemy knows them. Moments are texts of one form: every database reads, and hashes, them alike."""

from sqlalchemy import DDL, CheckConstraint, Column, Double, Integer, MetaData, String, Table, Text, UniqueConstraint, event

METADATA = MetaData()

CASES = Table(
    "cases",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("created", String(24), nullable=False, index=True),
    Column("session", String(32), nullable=False),
    Column("salt", String(32), nullable=False),
    Column("file_sha256", String(64), nullable=False, index=True),
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
    UniqueConstraint("session", "file_sha256", "model_sha256", "operating_point", name="once_a_session"),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("time", String(24), nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(16), nullable=False),
    Column("case_id", String(32), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("previous", String(64), nullable=False, unique=True),  # two entries after one: a fork, refused
    Column("hash", String(64), nullable=False, unique=True),
)

HEAD = Table(
    "audit_head",
    METADATA,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("sequence", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)

# Append-only by the database itself where that takes no setting up; on PostgreSQL by the rights of its role: docs/record.md.
for _action in ("UPDATE", "DELETE"):
    event.listen(
        AUDIT,
        "after_create",
        DDL(
            f"CREATE TRIGGER audit_no_{_action.lower()} BEFORE {_action} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        ).execute_if(dialect="sqlite"),
    )
