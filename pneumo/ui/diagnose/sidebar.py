"""The sidebar of Diagnose and Worklist: which model, at which operating point, at which prevalence."""

import streamlit as st

from pneumo.errors import ModelError, PneumoError
from pneumo.evaluation.likelihood import stated_prevalence
from pneumo.evaluation.operating_point import BALANCED
from pneumo.inference.finding import Terms
from pneumo.inference.predictor import Predictor
from pneumo.outgoing import markdown
from pneumo.ui.shell.models import on_site_terms, predictor, usable_models

_PREVALENCE_HELP = "Turns the model's likelihood ratio into a probability. 30 % is a guess."
_POINT_HELP = "The threshold of the two-valued label in CSV and JSON. The verdict has its own zones."


def choose_model() -> Predictor | None:
    """The chosen model, verified; None (with the reason on the page) when no model can answer."""
    usable, problems = usable_models()
    for problem in problems:
        st.error(markdown(problem))
    if not usable:
        st.error("No model can answer. Restore the models folder, or train and promote one: see the README.")
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
                f"{markdown(model)} is {markdown(loaded.seal.state)}: its files are intact, but no trusted signer vouches for them."
            )
        try:
            return on_site_terms(loaded)
        except PneumoError as error:  # a profile that cannot be trusted: without it answers would change their meaning unnoticed
            st.error(markdown(str(error)))
            return None
    st.error("No model can answer. Restore the models folder.")
    return None


def choose_prevalence() -> float:
    """Share of sick patients, the same on every page of the session."""
    st.session_state.setdefault("prevalence", max(1, min(90, round(100 * stated_prevalence()))))
    st.sidebar.slider("Share of your patients with pneumonia", 1, 90, key="prevalence", format="%d %%", help=_PREVALENCE_HELP)
    return float(st.session_state["prevalence"] / 100)


def choose_terms(points: list[str]) -> Terms:
    """Share of sick patients and operating point, the same on every page of the session."""
    if st.session_state.get("operating_point") not in points:
        st.session_state["operating_point"] = BALANCED
    prevalence = choose_prevalence()
    return Terms(st.sidebar.selectbox("Operating point", points, key="operating_point", help=_POINT_HELP), prevalence)
