"""The session's memory: the X-rays a clinician dropped, and the settings of the sidebar. Lives in one browser session only."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
import streamlit as st

from pneumo.imaging.decoding.archive import Member
from pneumo.imaging.overlay import fit_within
from pneumo.imaging.radiograph import ImageFacts
from pneumo.imaging.windowing import DISPLAY_SIDE, GreyValues, plain_values
from pneumo.inference.finding import Finding, ask_again, image_to_keep
from pneumo.inference.lung_checks import HeatShare, Lungs
from pneumo.inference.predictor import Answer, Predictor
from pneumo.inference.second_opinion import SecondOpinion
from pneumo.registry.models import ModelCard
from pneumo.reporting.finding_report import Remarks
from pneumo.ui.shell.quota import CASES, PENDING, answers_size, offered

_TO_DIAGNOSE = "to_diagnose"
_KEPT = ("model", "operating_point", "prevalence", "worklist_show", "site_profile")
PARCEL = "viewer_parcel"  # what the browser's viewer was last given: (of what, its bytes)


def key_of(card: ModelCard) -> str:
    """A model by name, weights and calibration (a site profile has its own): a case keeps what each said under it."""
    return f"{card.id} {card.sha256} {card.calibration}"


@dataclass
class Case:
    """One dropped file. `findings` holds what each model said, so that changing the model asks only once."""

    name: str
    finding: Finding  # of the model that was chosen when it came; no finding here has pictures
    values: GreyValues | None  # for display, 13 MB at most; None, as the next, where the file was not read
    canonical: np.ndarray | None  # uint8 (224, 224), what every model is shown
    facts: ImageFacts | None
    truth: str | None = None  # the label in the data set, for a sample sent from there
    findings: dict[str, Finding] = field(default_factory=dict)
    reduced: bool = False  # `values` are the worklist's smaller copy
    remarks: Remarks = field(default_factory=Remarks)  # the clinician's own, for the report; gone with the case
    lungs: Lungs | None = None
    heat: dict[str, HeatShare] = field(default_factory=dict)  # of each model, as `findings` are
    others_asked: bool = False  # every other model that can serve
    opinions: dict[str, SecondOpinion] = field(default_factory=dict)  # of each model that was asked for one
    unasked: list[str] = field(default_factory=list)  # why a model had no say in them

    @property
    def nbytes(self) -> int:
        """Memory it takes, in bytes, what is small left out."""
        arrays = (self.values.stored if self.values else None, self.canonical, self.lungs.mask if self.lungs else None)
        return sum(array.nbytes for array in arrays if array is not None) + answers_size(self.findings.values())

    def found(self, predictor: Predictor) -> Finding:
        """What `predictor` and its own gate say of this image, asked at most once. A file not read has one finding for all."""
        if self.canonical is None or self.facts is None:
            return self.finding
        key = key_of(predictor.card)
        if key not in self.findings:
            self.findings[key] = ask_again(self.finding.sha256, self.canonical, self.facts, predictor)
        return self.findings[key]

    def picture(self) -> tuple[np.ndarray, ImageFacts] | None:
        """What every model is shown, and the file's facts; None where it was not read."""
        return None if self.canonical is None or self.facts is None else (self.canonical, self.facts)

    def display(self) -> tuple[GreyValues, ImageFacts]:
        """What the page shows of a file that was read, as each answered one was."""
        assert self.values is not None, "expected a file that was read"
        assert self.facts is not None, "expected a file that was read"
        return self.values, self.facts

    def answer(self, predictor: Predictor) -> Answer:
        """Of a model that did answer (see `found`)."""
        answer = self.found(predictor).answer
        assert answer is not None, "expected a finding that is an answer"
        return answer


def make_case(name: str, finding: Finding, predictor: Predictor, truth: str | None = None) -> Case:
    """Keep what the page needs of a finding, in a few megabytes at most."""
    radiograph, light = finding.radiograph, replace(finding, radiograph=None, canonical=None)
    if radiograph is None:
        return Case(name, light, None, None, None, truth)
    facts = radiograph.facts
    values = radiograph.values or plain_values(fit_within(radiograph.pixels, DISPLAY_SIDE), facts.bits)
    return Case(name, light, values, image_to_keep(finding), facts, truth, findings={key_of(predictor.card): light})


def cases() -> list[Case]:
    return cast(list[Case], st.session_state.setdefault(CASES, []))


def pending() -> list[tuple[Member, str | None]]:
    """Files dropped but not read yet, each with its true label where one is known."""
    return cast(list[tuple[Member, str | None]], st.session_state.setdefault(PENDING, []))


def enqueue(files: Iterable[tuple[str, bytes]], truth: str | None = None) -> None:
    """Queue files by name and bytes; of a zip archive its images, and the count of what else is in it under "passed_over"."""
    for name, data in files:
        contents = offered(name, data)
        pending().extend((member, truth) for member in contents.members)
        st.session_state["passed_over"] = st.session_state.get("passed_over", 0) + contents.skipped


def send_to_diagnose(path: str, data: bytes, truth: str | None) -> None:
    """Queue a file of the data set with its true label, and go to Diagnose with it."""
    enqueue([(path.rsplit("/", 1)[-1], data)], truth)
    show_on_diagnose(10**9)  # the last one, which this will be


def show_on_diagnose(place: int) -> None:
    """Go to Diagnose with the case at `place`."""
    st.session_state["current"] = place
    st.session_state[_TO_DIAGNOSE] = True


def go_where_sent() -> None:
    """Leave for Diagnose when the run before was asked to; a callback cannot change the page by itself."""
    if st.session_state.pop(_TO_DIAGNOSE, False):
        st.switch_page("pages/diagnose.py")


def forget() -> None:
    """Let go of every X-ray of this session."""
    st.session_state[CASES], st.session_state[PENDING], st.session_state["current"] = [], [], 0
    st.session_state["passed_over"] = 0
    st.session_state.pop(PARCEL, None)


def keep_settings() -> None:
    """Streamlit drops a widget's value with its page; writing it back keeps the sidebar as it was left."""
    for key in _KEPT:
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]
