"""Loaded models, one copy a process, shared by all sessions: read-only, thread-safe, and without patient data."""

import streamlit as st

from pneumo.errors import ModelError, PneumoError
from pneumo.imaging.decoding.pool import shared_pool
from pneumo.inference.lung_checks import load_finder
from pneumo.inference.lung_fields import LungFinder, lungs_folder
from pneumo.inference.predictor import Predictor
from pneumo.outgoing import markdown
from pneumo.paths import models_dir
from pneumo.registry.model_folder import list_models
from pneumo.registry.models import best_of, read_card, site_model
from pneumo.site.profile import by_profile


def usable_models() -> tuple[list[str], list[str]]:
    """(ids with a readable card, the default first; a problem for each of the others)."""
    cards, problems = [], []
    for model in list_models():
        try:
            cards.append(read_card(model))
        except ModelError as error:
            problems.append(str(error))
    if not cards:
        return [], problems
    try:
        best = site_model() or best_of(cards)
    except PneumoError as error:  # the site's chosen model cannot answer, and no other may replace it
        return [], [*problems, str(error)]
    return sorted((card.id for card in cards), key=lambda model: model != best), problems


def predictor(model: str) -> Predictor:
    """The verified model, loaded again once its files change (by time), so a promoted one answers at once. Raises ModelError."""
    try:
        stamp = tuple(path.stat().st_mtime_ns for path in sorted((models_dir() / model).iterdir()))
    except OSError as error:
        raise ModelError(
            f"Model {model!r} was removed while it was in use. Restore its folder, or choose another model."
        ) from error
    return _load(model, str(models_dir()), stamp)


@st.cache_resource(show_spinner=False, max_entries=4)
def _load(model: str, root: str, stamp: tuple[int, ...]) -> Predictor:
    shared_pool().start()  # so that the first X-ray need not wait for the decoding process
    return Predictor.load(model)


def on_site_terms(loaded: Predictor) -> Predictor:
    """With the site profile in use for this model, unless this session switched it off. Raises PneumoError."""
    by = by_profile(loaded)
    if by.profile is None:
        return loaded
    label = f"Site profile {markdown(by.profile.name)}"
    help = "Calibration and cuts fitted to this site. Every answer says so."
    if not st.sidebar.toggle(label, value=True, key="site_profile", help=help):
        return loaded
    if by.profile.prevalence:
        st.session_state.setdefault("prevalence", max(1, min(90, round(100 * by.profile.prevalence))))
    return by


def lung_finder() -> LungFinder | None:
    """The lung segmenter, verified; None where it does not load."""
    folder = lungs_folder()
    stamp = tuple(path.stat().st_mtime_ns for path in sorted(folder.iterdir())) if folder.is_dir() else ()
    return _load_finder(str(folder), stamp)


@st.cache_resource(show_spinner=False, max_entries=2)
def _load_finder(folder: str, stamp: tuple[int, ...]) -> LungFinder | None:
    return load_finder()
