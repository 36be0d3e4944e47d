"""Pneumo's entry, in both its parts: what the server is, and what each visitor is shown; nothing else."""

import streamlit as st

if __name__ == "__main__":  # a visitor's page is drawn
    from pneumo.ui.shell.frame import run

    run()
else:  # the server starts: `streamlit run app.py` finds this App, and imports it
    from pneumo.ui.shell.auth_middleware import entrance
    from pneumo.ui.shell.sessions import end_sessions, leaving
    from pneumo.ui.shell.uploads import bounded

    app = st.App(__file__, middleware=[*entrance(), *leaving(), *bounded()], lifespan=end_sessions)
