"""The app in Streamlit's own test driver."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

_APP = Path(__file__).parent.parent / "app.py"
# Seconds a run may take: ends a run that hangs; not a promise of speed, because machines stall at times.
PATIENCE = 180


def open_app() -> AppTest:
    """The app with its first page drawn."""
    return AppTest.from_file(_APP, default_timeout=PATIENCE).run()


def choose_rows(app: AppTest, column: str, *values: str) -> AppTest:
    """Select the rows of the page's first table whose `column` holds these values, as a click does."""
    table = app.dataframe[0]
    rows = [table.value[column].tolist().index(value) for value in values]
    app.session_state[table.key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    return app.run()
