"""The viewer as Streamlit's component: code from viewer_assets/ by an address of this server, data by the session's own socket."""

from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from pneumo.ui.shell.streamlit_internals import serve_component

_ASSETS = Path(__file__).with_name("viewer_assets")
_PACKAGE, _NAME = "pneumo", "viewer"


def draw_viewer(parcel: bytes, key: str) -> None:
    """`parcel` as `viewer_data` makes it; with another `key` the browser begins anew, and nothing of what it showed stays."""
    serve_component(_PACKAGE, _NAME, _ASSETS)
    _component()(data=parcel, key=f"viewer-{key}")


@cache
def _component() -> ComponentRenderer:
    html, css = ((_ASSETS / name).read_text(encoding="utf-8") for name in ("viewer.html", "viewer.css"))
    return st.components.v2.component(f"{_PACKAGE}.{_NAME}", html=html, css=css, js="index.js")
