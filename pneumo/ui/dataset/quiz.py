"""A quiz: guess first, then see the label and the model's answer."""

import numpy as np
import streamlit as st

from pneumo.data.catalog import Catalog
from pneumo.errors import ModelError
from pneumo.imaging.overlay import grey_picture
from pneumo.inference.finding import Terms, judge
from pneumo.labels import Label
from pneumo.outgoing import markdown
from pneumo.reporting.finding_words import in_words
from pneumo.ui.dataset.library import pictures
from pneumo.ui.shell.models import predictor, usable_models

_START = {"number": 0, "guess": None, "guesses": 0, "right": 0, "model_right": 0}


def show_quiz(catalog: Catalog) -> None:
    """One random image of the test folder (of all, where there is none): a guess, then the truth and the model's answer."""
    game = st.session_state.setdefault("quiz", {**_START, "seed": int(np.random.default_rng().integers(2**31))})
    pool = [entry for entry in catalog.entries if entry.record.split == "test"] or list(catalog.entries)
    entry = pool[int(np.random.default_rng((game["seed"], game["number"])).integers(len(pool)))]
    picture = pictures(catalog.root, [entry])[0]
    if picture is None:
        st.error("This file has disappeared or cannot be read.")
        st.button("Another", on_click=_next, key="quiz_next")
        return
    left, right = st.columns([3, 2], gap="medium")
    left.image(grey_picture(picture / 255), width=560, alt="radiograph to guess")
    with right:
        answer = _model_answer(picture)
        if game["guess"] is None:
            st.markdown("Is this child's chest X-ray normal, or does it show pneumonia?")
            for label in (Label.NORMAL, Label.PNEUMONIA):
                st.button(label, on_click=_guess, args=(label, entry.record.label, answer and answer[0]), key=f"quiz-{label}")
        else:
            truth = entry.record.label
            kind = f", {entry.record.subtype}" if entry.record.subtype != "none" else ""
            st.markdown(f"The label is **{markdown(truth)}**{markdown(kind)}. You said **{game['guess']}**.")
            if answer:
                st.markdown(
                    f"The model {markdown(answer[2])} says **{markdown(answer[0])}**, "
                    f"probability of pneumonia {in_words(answer[1])}."
                )
            st.button("Next picture", on_click=_next, type="primary", key="quiz_next")
        if game["guesses"]:
            line = f"So far you were right in {game['right']} of {game['guesses']}"
            st.caption(line + (f", the model in {game['model_right']:d}." if answer else "."))
        st.caption(
            "The labels come from the data set: two physicians, and a third for the test images. They are not always right either."
        )


def _model_answer(picture: np.ndarray) -> tuple[str, float, str] | None:
    """(verdict, probability, model id) of the default model at the stated prevalence; None when no model can serve."""
    usable, _ = usable_models()
    if not usable:
        return None
    try:
        loaded = predictor(usable[0])
        reading = judge(loaded.answer(picture).log_ratio, loaded.card, Terms())
    except ModelError:
        return None
    return reading.verdict, reading.probability, loaded.card.id


def _guess(label: str, truth: str, model: str | None) -> None:
    game = st.session_state["quiz"]
    game.update(guess=label, guesses=game["guesses"] + 1, right=game["right"] + (label == truth))
    game["model_right"] += model == truth


def _next() -> None:
    game = st.session_state["quiz"]
    game.update(number=game["number"] + 1, guess=None)
