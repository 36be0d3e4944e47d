"""Loaded models, one copy a process, shared by every session: they are read-only and thread-safe, and know no patient."""

import streamlit as st

from pneumo.errors import ModelError
from pneumo.imaging.decoders import shared
from pneumo.inference.memory import hold_little
from pneumo.inference.predictor import Predictor
from pneumo.registry import default_model, list_models, models_dir, read_card


def usable_models() -> tuple[list[str], list[str]]:
    """(ids that have a readable card, the default first; what is wrong with the others, by name)."""
    usable, problems = [], []
    for model in list_models():
        try:
            read_card(model)
            usable.append(model)
        except ModelError as error:
            problems.append(str(error))
    if usable:
        best = default_model()
        usable.sort(key=lambda model: model != best)
    return usable, problems


def predictor(model: str) -> Predictor:
    """The verified, loaded model. Raises ModelError. A changed card loads anew, so a promoted model serves at once."""
    stamp = tuple(path.stat().st_mtime_ns for path in sorted((models_dir() / model).iterdir()))
    return _load(model, str(models_dir()), stamp)


@st.cache_resource(show_spinner=False, max_entries=4)
def _load(model: str, root: str, stamp: tuple[int, ...]) -> Predictor:
    hold_little()
    shared().start()  # the first X-ray finds a reading process that is up
    return Predictor.load(model)
