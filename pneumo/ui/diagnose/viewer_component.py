"""The viewer as Streamlit's component: code from viewer_assets/ by an address of this server, data by the session's own socket."""

from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

_ASSETS = Path(__file__).with_name("viewer_assets")
_NAME = "pneumo.viewer"


def draw_viewer(parcel: bytes, key: str) -> None:
    """`parcel` as `viewer_data` makes it; with another `key` the browser begins anew, and nothing of what it showed stays."""
    manager = get_bidi_component_manager()
    if manager.get_component_asset_root(_NAME) is None:
        # What Streamlit does by itself for packages that pip installed. Script as a string would be run from a blob: address,
        # which the Content-Security-Policy forbids.
        manager.register_from_manifest(ComponentManifest("pneumo", "", [ComponentConfig("viewer", _ASSETS.name)]), _ASSETS.parent)
    _component()(data=parcel, key=f"viewer-{key}")


@cache
def _component():
    html, css = ((_ASSETS / name).read_text(encoding="utf-8") for name in ("viewer.html", "viewer.css"))
    return st.components.v2.component(_NAME, html=html, css=css, js="index.js")
