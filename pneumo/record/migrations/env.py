"""Run by Alembic, on the connection and within the transaction of whoever upgrades: all steps are done, or none."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
