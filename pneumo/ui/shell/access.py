"""Who is logged in, and what the pages permit: the rules of pneumo.access on the page.

Pages hide what is not permitted; callbacks that start, change or export something check again.
"""

import time

import streamlit as st
from streamlit import config, runtime

from pneumo.access import LEAST, AccessSettings, Action, Claims, Role, may, refusal, role_of
from pneumo.errors import AccessError, ConfigError
from pneumo.outgoing import code, markdown


def admitted() -> bool:
    """Whether any page may be drawn; if not, `show_login` says why."""
    return _problem() is None and _role() is not None


def permitted(action: Action) -> bool:
    return admitted() and may(_role(), action)


def check(action: Action) -> None:
    """Raises AccessError unless the user may do this."""
    if not permitted(action):
        raise AccessError(f"To {action.value}, the role {LEAST[action].name.lower()} is needed. Ask the operator of Pneumo.")


def show_login() -> None:
    """In place of a page: the login button, or why nothing can be shown."""
    claims = _claims()
    st.title("Pneumo", anchor=False)
    if problem := _problem():
        st.error(markdown(problem))
    elif claims.get("is_logged_in") is not True:
        st.write("Log in to continue, with your institution's account. Pneumo does not see your password.")
        st.button("Log in", type="primary", on_click=st.login, key="log-in")
    elif role_of(claims, AccessSettings.from_environment(), 0.0) is not None:  # it has a role but is too old
        st.write("Your login has expired.")
        st.button("Log in again", type="primary", on_click=st.login, key="log-in")
    else:
        st.error(
            f"You are logged in as {code(_name(claims))}, and this account has no role in Pneumo, so it may not see anything. "
            "Ask the operator of Pneumo to give it one (reader, researcher or admin)."
        )
        st.button("Log out", on_click=st.logout, key="log-out")


def show_refusal(action: Action) -> None:
    """In place of a page that the role does not permit."""
    try:
        check(action)
    except AccessError as error:
        st.error(markdown(str(error)))
    st.page_link("pages/diagnose.py", label="To Diagnose")


def show_account() -> None:
    """Who is logged in, and a logout button; nothing where no login is required."""
    if admitted() and (role := _role()) is not None and AccessSettings.from_environment().login:
        with st.container(horizontal=True, vertical_alignment="center", key="account"):
            st.caption(f"Logged in as {code(_name(_claims()))}: {role.name.lower()}", width="content")
            st.button("Log out", on_click=st.logout, type="tertiary", key="log-out")


def _problem() -> str | None:
    """Why no page may be shown at all."""
    try:
        settings = AccessSettings.from_environment()
    except ConfigError as error:
        return str(error)
    return refusal(config.get_option("server.address"), settings) if runtime.exists() else None


def _claims() -> Claims:
    """From the identity token; empty when not logged in."""
    return st.user.to_dict()


def _role() -> Role | None:
    return role_of(_claims(), AccessSettings.from_environment(), time.time())


def _name(claims: Claims) -> str:
    return str(claims.get("email") or claims.get("name") or claims.get("sub") or "somebody")
