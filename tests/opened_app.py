"""The app as Streamlit's own test driver runs it."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

_APP = Path(__file__).parent.parent / "app.py"
# Seconds a run may take: for a run that would never end, and no word on speed. Machines stand still at times.
PATIENCE = 180


def open_app() -> AppTest:
    """Its first page, drawn once."""
    return AppTest.from_file(_APP, default_timeout=PATIENCE).run()
