"""The record, kept only where PNEUMO_RECORD says so: cases in a database, and a log whose every entry seals the ones before it.

`settings` alone is loaded while the record is off; SQLAlchemy is imported by `tables`, `database` and `store`.
"""
