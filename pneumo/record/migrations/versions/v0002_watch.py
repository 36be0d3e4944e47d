"""For monitoring: measures of the pictures, reference labels, refusals, and a candidate's answers."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"
_MEASURES = ("lung_height", "above", "below", "aspect", "brightness", "contrast", "sharpness", "gate_distance")


def upgrade() -> None:
    op.add_column("cases", sa.Column("reference", sa.String(16), nullable=False, server_default="none"))
    for name in _MEASURES:
        op.add_column("cases", sa.Column(name, sa.Double, nullable=True))
    op.create_table(
        "refusals",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("created", sa.String(24), nullable=False, index=True),
        sa.Column("session", sa.String(32), nullable=False),
        sa.Column("file_sha256", sa.String(64), nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("model_sha256", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.UniqueConstraint("session", "file_sha256", "model_sha256", name="refused_once_a_session"),
    )
    op.create_table(
        "shadows",
        sa.Column("case_id", sa.String(32), primary_key=True),
        sa.Column("model_sha256", sa.String(64), primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("card_sha256", sa.String(64), primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("probability", sa.Double, nullable=True),
        sa.Column("label", sa.String(16), nullable=False),
        sa.Column("label_at_active_cut", sa.String(16), nullable=False),
        sa.Column("zone", sa.String(16), nullable=False),
    )
