"""Entry point of the server and of each page."""

import streamlit as st

if __name__ == "__main__":  # Streamlit runs this for each visit of a page
    from pneumo.ui.shell.frame import run

    run()
else:  # `streamlit run app.py` imports the App and starts the server
    from starlette.middleware import Middleware

    from pneumo.log import begin_json_log
    from pneumo.ui.shell.auth_middleware import entrance
    from pneumo.ui.shell.health import health_route
    from pneumo.ui.shell.sessions import end_sessions, leaving
    from pneumo.ui.shell.streamlit_internals import bound_shutdown
    from pneumo.ui.shell.uploads import bounded

    middleware = [*entrance(), Middleware(leaving), *bounded()]
    app = st.App(__file__, routes=[health_route()], middleware=middleware, lifespan=end_sessions)
    bound_shutdown(5)  # seconds; a container is killed after ten
    begin_json_log()  # last: why the app may not start is said in plain words
