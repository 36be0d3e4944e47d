"""The record, kept only if PNEUMO_RECORD is set: cases in a database, and a hash-chained log.

Only `settings` is loaded while the record is off; `tables`, `database` and `store` import SQLAlchemy.
"""
