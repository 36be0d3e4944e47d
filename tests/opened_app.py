"""The app as Streamlit's own test driver runs it."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

_APP = Path(__file__).parent.parent / "app.py"
# Seconds a run may take: for a run that would never end, and no word on speed. Machines stand still at times.
PATIENCE = 180


def open_app() -> AppTest:
    """Its first page, drawn once."""
    return AppTest.from_file(_APP, default_timeout=PATIENCE).run()


def choose_rows(app: AppTest, column: str, *values: str) -> AppTest:
    """Select the rows of the page's first table whose `column` holds these values, as a click does."""
    table = app.dataframe[0]
    rows = [table.value[column].tolist().index(value) for value in values]
    app.session_state[table.key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    return app.run()
