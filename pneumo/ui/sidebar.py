"""The sidebar of the Diagnose page: which model, at which operating point, and how the heatmap is drawn."""

from dataclasses import dataclass

import streamlit as st

from pneumo.errors import ModelError
from pneumo.evaluation.operating_point import BALANCED
from pneumo.imaging.overlay import COLOUR_MAPS
from pneumo.inference.predictor import Predictor
from pneumo.outgoing import markdown
from pneumo.ui.models import predictor, usable_models


@dataclass(frozen=True)
class View:
    """How to draw: opacity and prevalence in [0, 1], grey window (low, high) in [0, 1]."""

    operating_point: str
    prevalence: float
    opacity: float
    colour_map: str
    side_by_side: bool
    window: tuple[float, float]


def choose_model() -> Predictor | None:
    """The chosen model, verified; None (with the reason on the page) when no model can serve."""
    usable, problems = usable_models()
    for problem in problems:
        st.error(markdown(problem))
    if not usable:
        st.error("No model can serve. Restore the models folder, or train and promote one: see the README.")
        return None
    if st.session_state.get("model") not in usable:
        st.session_state["model"] = usable[0]
    chosen = st.sidebar.selectbox("Model", usable, key="model", help="The first one is the best on held-out train data.")
    for model in [chosen, *(name for name in usable if name != chosen)]:
        try:
            loaded = predictor(model)
        except ModelError as error:
            st.error(markdown(str(error)))
            continue
        if model != chosen or problems:
            st.warning(f"Answers below come from the model {markdown(model)}, which verifies.")
        return loaded
    st.error("No model can serve, so there are no answers. Restore the models folder.")
    return None


def choose_point(points: list[str]) -> str:
    if st.session_state.get("operating_point") not in points:
        st.session_state["operating_point"] = BALANCED
    return st.sidebar.selectbox("Operating point", points, key="operating_point",
                                help="Where the line between NORMAL and PNEUMONIA is drawn.")  # fmt: skip


def choose_view(points: list[str]) -> View:
    """Everything below the model in the sidebar, but for the grey window: ui.window draws that for the open X-ray."""
    state = st.session_state
    choose_point(points)
    for key, value in (("prevalence", 30), ("opacity", 60), ("colour_map", COLOUR_MAPS[0]), ("grey_window", (0, 100))):
        state.setdefault(key, value)
    side = st.sidebar
    side.slider("Prevalence among your children", 1, 90, key="prevalence", format="%d %%",
                help="How many of the children you X-ray have pneumonia. It decides how often an answer is right.")  # fmt: skip
    side.markdown("**Heatmap**")
    side.slider("Opacity", 0, 100, key="opacity", format="%d %%")
    side.selectbox("Colour map", COLOUR_MAPS, key="colour_map")
    side.toggle("Side by side", key="side_by_side")
    low, high = state["grey_window"]
    return View(state["operating_point"], state["prevalence"] / 100, state["opacity"] / 100, state["colour_map"],
                state["side_by_side"], (low / 100, max(high, low + 1) / 100))  # fmt: skip
