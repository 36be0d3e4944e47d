"""The state of one browser session: the dropped X-rays, the settings of the sidebar and of the form on Train."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
import streamlit as st

from pneumo.imaging.decoding.archive import Member
from pneumo.imaging.overlay import fit_within
from pneumo.imaging.radiograph import ImageFacts, Radiograph
from pneumo.imaging.windowing import DISPLAY_SIDE, GreyValues, plain_values
from pneumo.inference.finding import Finding, Reading, Terms, ask_again, image_to_keep, judge
from pneumo.inference.lung_checks import HeatShare, Lungs
from pneumo.inference.predictor import Answer, Predictor
from pneumo.inference.second_opinion import SecondOpinion
from pneumo.registry.models import ModelCard
from pneumo.reporting.finding_report import Remarks
from pneumo.ui.shell.quota import CASES, PENDING, answers_size, offered

_TO_DIAGNOSE = "to_diagnose"
_KEPT = ("model", "operating_point", "prevalence", "worklist_show", "site_profile")
FORM = "train-set-"  # and a setting's name, or a field of the promotion and its run: the key of its widget on Train
PARCEL = "viewer_parcel"  # the viewer's last data: (identity of the picture, bytes)


def key_of(card: ModelCard) -> str:
    """The key of a model in `Case.findings`: name, weights and calibration (a site profile has its own)."""
    return f"{card.id} {card.sha256} {card.calibration}"


@dataclass
class Case:
    """One dropped file. `findings` holds each model's finding, so that each model reads it only once."""

    name: str
    finding: Finding  # of the model chosen when it was dropped; findings here hold no pictures
    values: GreyValues | None  # for display, 13 MB at most; like the next two, None where the file was not read
    canonical: np.ndarray | None  # uint8 (224, 224), what every model is shown
    facts: ImageFacts | None
    truth: str | None = None  # the label of a picture from the data set
    findings: dict[str, Finding] = field(default_factory=dict)
    from_worklist: bool = False
    reduced: bool = False  # `values` are the worklist's smaller copy
    remarks: Remarks = field(default_factory=Remarks)  # the clinician's, for the report
    lungs: Lungs | None = None
    heat: dict[str, HeatShare] = field(default_factory=dict)  # by model, like `findings`
    others_asked: bool = False  # whether the other usable models answered
    opinions: dict[str, SecondOpinion] = field(default_factory=dict)  # by model
    unasked: list[str] = field(default_factory=list)  # why a model gave no answer

    @property
    def nbytes(self) -> int:
        """Memory it takes, in bytes, without small fields."""
        arrays = (self.values.stored if self.values else None, self.canonical, self.lungs.mask if self.lungs else None)
        return sum(array.nbytes for array in arrays if array is not None) + answers_size(self.findings.values())

    def finding_of(self, predictor: Predictor) -> Finding:
        """The finding of `predictor` and its own gate, computed once. A file that was not read has one finding for all models."""
        if self.canonical is None or self.facts is None:
            return self.finding
        key = key_of(predictor.card)
        if key not in self.findings:
            self.findings[key] = ask_again(self.finding.sha256, self.canonical, self.facts, predictor)
        return self.findings[key]

    def picture(self) -> tuple[np.ndarray, ImageFacts] | None:
        """The image for models and the file's facts; None where it was not read."""
        return None if self.canonical is None or self.facts is None else (self.canonical, self.facts)

    def display(self) -> tuple[GreyValues, ImageFacts]:
        """The grey values and facts of a file that was read."""
        assert self.values is not None, "expected a file that was read"
        assert self.facts is not None, "expected a file that was read"
        return self.values, self.facts

    def answer(self, predictor: Predictor) -> Answer:
        """The answer of a model whose finding has one."""
        answer = self.finding_of(predictor).answer
        assert answer is not None, "expected a finding that is an answer"
        return answer

    def reading(self, predictor: Predictor, terms: Terms) -> Reading:
        """That answer, judged."""
        return judge(self.answer(predictor).log_ratio, predictor.card, terms)


def make_case(name: str, finding: Finding, predictor: Predictor, truth: str | None = None) -> Case:
    """A case with what the page needs of a finding, a few megabytes at most."""
    radiograph, light = finding.radiograph, replace(finding, radiograph=None, canonical=None)
    if radiograph is None:
        return Case(name, light, None, None, None, truth)
    facts, values = radiograph.facts, values_of(radiograph)
    return Case(name, light, values, image_to_keep(finding), facts, truth, findings={key_of(predictor.card): light})


def values_of(radiograph: Radiograph) -> GreyValues:
    """For display."""
    return radiograph.values or plain_values(fit_within(radiograph.pixels, DISPLAY_SIDE), radiograph.facts.bits)


def cases() -> list[Case]:
    return cast(list[Case], st.session_state.setdefault(CASES, []))


def pending() -> list[tuple[Member, str | None]]:
    """Files dropped but not read yet, each with its true label where one is known."""
    return cast(list[tuple[Member, str | None]], st.session_state.setdefault(PENDING, []))


def enqueue(files: Iterable[tuple[str, bytes]], truth: str | None = None) -> None:
    """Queue files by name and bytes; of a zip archive its images. "skipped_files" counts its other files."""
    for name, data in files:
        contents = offered(name, data)
        pending().extend((member, truth) for member in contents.members)
        st.session_state["skipped_files"] = st.session_state.get("skipped_files", 0) + contents.skipped


def send_to_diagnose(path: str, data: bytes, truth: str | None) -> None:
    """Queue a file of the data set with its true label, and go to Diagnose with it."""
    enqueue([(path.rsplit("/", 1)[-1], data)], truth)
    show_on_diagnose(10**9)  # the last one, which this will be


def show_on_diagnose(place: int) -> None:
    """Go to Diagnose with the case at `place`."""
    st.session_state["current"] = place
    st.session_state[_TO_DIAGNOSE] = True


def go_where_sent() -> None:
    """Go to Diagnose if a callback asked for it, as callbacks cannot switch pages."""
    if st.session_state.pop(_TO_DIAGNOSE, False):
        st.switch_page("pages/diagnose.py")


def put(key: str, value: object) -> None:
    """For the callback of a widget: set an entry of the session's state."""
    st.session_state[key] = value


def forget() -> None:
    """Remove every X-ray of this session."""
    st.session_state[CASES], st.session_state[PENDING], st.session_state["current"] = [], [], 0
    st.session_state["skipped_files"] = 0
    st.session_state.pop(PARCEL, None)


def keep_settings() -> None:
    """Write the values of sidebar and form back, as Streamlit drops a widget's value when its page is left."""
    for key in [key for key in st.session_state if key in _KEPT or str(key).startswith(FORM)]:
        st.session_state[key] = st.session_state[key]


def leave_message(text: str) -> None:
    """Store an error for the next run of the page Train."""
    st.session_state["train-said"] = text


def take_message() -> str | None:
    """That error, removed."""
    return cast(str | None, st.session_state.pop("train-said", None))
