"""The session's memory: the X-rays a clinician dropped, and the settings of the sidebar. Lives in one browser session only."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from pneumo.imaging.overlay import fit_within
from pneumo.imaging.radiograph import ImageFacts
from pneumo.inference.finding import Finding
from pneumo.inference.predictor import Answer, Predictor

DISPLAY_SIDE = 1280  # longer side of what is kept for the eye; the full image is let go once it was answered
_KEPT = ("model", "operating_point", "prevalence", "opacity", "colour_map", "side_by_side", "grey_window")


@dataclass
class Case:
    """One dropped file. `answers` holds what each model said, so that changing the model asks only once."""

    name: str
    finding: Finding  # without its radiograph
    pixels: np.ndarray | None  # float32 (h, w), for display
    canonical: np.ndarray | None  # uint8 (224, 224), what every model is shown
    facts: ImageFacts | None
    truth: str | None = None  # the label in the data set, for a sample sent from there
    answers: dict[str, Answer] = field(default_factory=dict)

    def answer(self, predictor: Predictor) -> Answer:
        """What `predictor` says of this image, asked at most once."""
        card = predictor.card
        key = f"{card.id} {card.sha256}"
        if key not in self.answers:
            self.answers[key] = predictor.answer(self.canonical)
        return self.answers[key]


def make_case(name: str, finding: Finding, predictor: Predictor, truth: str | None = None) -> Case:
    """Keep what the page needs of a finding, in a few megabytes at most."""
    radiograph = finding.radiograph
    light = Finding(finding.status, finding.reasons, finding.warnings, finding.sha256, finding.model,
                    finding.model_sha256, finding.seconds)  # fmt: skip
    if finding.answer is None:
        return Case(name, light, None, None, radiograph.facts if radiograph else None, truth)
    case = Case(name, light, fit_within(radiograph.pixels, DISPLAY_SIDE), finding.canonical, radiograph.facts, truth)
    case.answers[f"{predictor.card.id} {predictor.card.sha256}"] = finding.answer
    return case


def cases() -> list[Case]:
    return st.session_state.setdefault("cases", [])


def pending() -> list[tuple[str, bytes, str | None]]:
    """Files dropped but not read yet: name, bytes, true label where one is known."""
    return st.session_state.setdefault("pending", [])


def enqueue(files: Iterable[tuple[str, bytes]], truth: str | None = None) -> None:
    pending().extend((name, data, truth) for name, data in files)


def forget() -> None:
    """Let go of every X-ray of this session."""
    st.session_state["cases"], st.session_state["pending"], st.session_state["current"] = [], [], 0


def keep_settings() -> None:
    """Streamlit drops a widget's value with its page; writing it back keeps the sidebar as it was left."""
    for key in _KEPT:
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]
