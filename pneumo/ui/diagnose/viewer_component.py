"""The viewer as a Streamlit component: its code is served from viewer_assets/, its data goes over the session's web socket."""

from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from pneumo.ui.shell.streamlit_internals import serve_component

_ASSETS = Path(__file__).with_name("viewer_assets")
_PACKAGE, _NAME = "pneumo", "viewer"


def draw_viewer(parcel: bytes, key: str) -> None:
    """`parcel` comes from `viewer_data`. With another `key` the browser starts afresh and keeps nothing of the last picture."""
    serve_component(_PACKAGE, _NAME, _ASSETS)
    _component()(data=parcel, key=f"viewer-{key}")


@cache
def _component() -> ComponentRenderer:
    html, css = ((_ASSETS / name).read_text(encoding="utf-8") for name in ("viewer.html", "viewer.css"))
    return st.components.v2.component(f"{_PACKAGE}.{_NAME}", html=html, css=css, js="index.js")
