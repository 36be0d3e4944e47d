"""The sidebar of the Diagnose page: which model, at which operating point, and how the heatmap is drawn."""

from dataclasses import dataclass

import streamlit as st

from pneumo.errors import ModelError, PneumoError
from pneumo.evaluation.likelihood import stated_prevalence
from pneumo.evaluation.operating_point import BALANCED
from pneumo.imaging.overlay import COLOUR_MAPS
from pneumo.inference.finding import Terms
from pneumo.inference.predictor import Predictor
from pneumo.outgoing import markdown
from pneumo.ui.shell.models import on_site_terms, predictor, usable_models


@dataclass(frozen=True)
class View:
    """How to read and draw: opacity in [0, 1], grey window (low, high) in [0, 1]."""

    terms: Terms
    opacity: float
    colour_map: str
    side_by_side: bool
    window: tuple[float, float]
    shown_part: bool = False  # a line around what the model looks at


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
        if loaded.seal and not loaded.seal.signer:
            st.sidebar.caption(
                f"{markdown(model)} is {markdown(loaded.seal.state)}: its files are whole, and nobody known here vouches for them."
            )
        try:
            return on_site_terms(loaded)
        except PneumoError as error:  # a profile that cannot be trusted: no answer changes its meaning in silence
            st.error(markdown(str(error)))
            return None
    st.error("No model can serve, so there are no answers. Restore the models folder.")
    return None


def choose_terms(points: list[str]) -> Terms:
    """Share of sick patients and operating point, the same on every page of the session."""
    state, side = st.session_state, st.sidebar
    if state.get("operating_point") not in points:
        state["operating_point"] = BALANCED
    state.setdefault("prevalence", max(1, min(90, round(100 * stated_prevalence()))))
    side.slider("Share of your patients with pneumonia", 1, 90, key="prevalence", format="%d %%",
                help="Turns the model's likelihood ratio into a probability. 30 % is a guess.")  # fmt: skip
    side.selectbox("Operating point", points, key="operating_point",
                   help="The threshold of the two-valued label in CSV and JSON. The verdict has zones of its own.")  # fmt: skip
    return Terms(state["operating_point"], state["prevalence"] / 100)


def choose_view(points: list[str]) -> View:
    """Everything below the model in the sidebar, but for the grey window: ui.diagnose.window draws that for the open X-ray."""
    state, terms = st.session_state, choose_terms(points)
    for key, value in (("opacity", 60), ("colour_map", COLOUR_MAPS[0]), ("grey_window", (0, 100))):
        state.setdefault(key, value)
    side = st.sidebar
    side.markdown("**Heatmap**")
    side.slider("Opacity", 0, 100, key="opacity", format="%d %%")
    side.selectbox("Colour map", COLOUR_MAPS, key="colour_map")
    side.toggle("Side by side", key="side_by_side")
    side.toggle("Part shown to the model", key="shown_part", help="A thin line around the lungs: all that the model looks at.")
    low, high = state["grey_window"]
    return View(terms, state["opacity"] / 100, state["colour_map"],
                state["side_by_side"], (low / 100, max(high, low + 1) / 100), state["shown_part"])  # fmt: skip
