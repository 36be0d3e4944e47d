"""Run by Alembic in the caller's transaction: all steps are done, or none."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
