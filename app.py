"""Entry point of the server and of each page."""

import streamlit as st

if __name__ == "__main__":  # Streamlit runs this for each visit of a page
    from pneumo.ui.shell.frame import run

    run()
else:  # `streamlit run app.py` imports the App and starts the server
    from pneumo.ui.shell.auth_middleware import entrance
    from pneumo.ui.shell.sessions import end_sessions, leaving
    from pneumo.ui.shell.uploads import bounded

    app = st.App(__file__, middleware=[*entrance(), *leaving(), *bounded()], lifespan=end_sessions)
