"""The one-page report of the case on screen, with the clinician's remarks. Nothing outlives the session."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from pneumo.imaging.radiograph import Radiograph
from pneumo.inference.finding import Terms
from pneumo.inference.predictor import Predictor
from pneumo.record.settings import record_url
from pneumo.reporting.finding_pdf import report_pdf
from pneumo.reporting.finding_report import AGREEMENTS, Remarks, ReportContent
from pneumo.reporting.weaknesses import heatmap_doubt
from pneumo.site.profile import metrics_beside
from pneumo.ui.diagnose.second_opinion import report_rows
from pneumo.ui.shell.state import Case

LONGEST_NOTE, LONGEST_REFERENCE = 1500, 80  # characters; the page shows as much as fits, with a mark where text is cut
_REFERENCE_HELP = "Printed as typed. Nothing else in the report identifies the patient."


def report_download(case: Case, predictor: Predictor, terms: Terms) -> None:
    """The PDF is made on demand, with the picture in the file's own greys, whatever window the viewer shows."""
    make, name = partial(_pdf, case, predictor, terms), f"pneumo-report-{case.finding.sha256[:8]}.pdf"
    st.download_button("Report PDF", make, name, "application/pdf", on_click="ignore", key="report_pdf")


def report_form(case: Case, predictor: Predictor, terms: Terms) -> None:
    """A form, because the browser sends it as a whole; a half-typed note would otherwise be lost."""
    label, remarks = case.reading(predictor, terms).verdict, case.remarks
    name = f"report-{case.finding.sha256[:16]}-{label}-{hash(remarks):x}"  # new widgets when the record's form changed them
    st.caption(remarks_summary(remarks, label))
    recorded = record_url() is not None  # the record's form asks for note and agreement, which go into the report too
    with st.expander("Reference for the report" if recorded else "Note and agreement for the report"), st.form(name, border=False):
        if not recorded:
            said = AGREEMENTS.index(remarks.agreement_with(label))
            st.radio(f"The answer {label}", AGREEMENTS, said, horizontal=True, key=f"{name}-agreement")
            st.text_area("Note", remarks.note, max_chars=LONGEST_NOTE, key=f"{name}-note")
        key = f"{name}-reference"
        st.text_input("Reference", remarks.reference, max_chars=LONGEST_REFERENCE, key=key, help=_REFERENCE_HELP)
        st.form_submit_button("Put into the report", on_click=_save, args=(case, label, name))


def remarks_summary(remarks: Remarks, label: str) -> str:
    """Which of the clinician's remarks the report will contain."""
    note, reference = "your note" if remarks.note else "no note", ", your reference" if remarks.reference else ""
    return f"In the report: agreement {remarks.agreement_with(label)}, {note}{reference}."


def _save(case: Case, label: str, name: str) -> None:
    keys = {field: f"{name}-{field}" for field in ("note", "agreement", "reference")}
    typed = {field: st.session_state[key] for field, key in keys.items() if key in st.session_state}
    case.remarks = replace(case.remarks, **typed, **({"label": label} if "agreement" in typed else {}))


def _pdf(case: Case, predictor: Predictor, terms: Terms) -> bytes:
    card, made = predictor.card, datetime.now(UTC).astimezone()
    values, facts = case.display()
    height, width = values.stored.shape
    size = f"{width} x {height} pixels"
    extra_rows = (("Picture", f"a reduced copy from the worklist, {size}; the answer was given on the full image"),) * case.reduced
    extra_rows += report_rows(case, predictor, terms)
    picture, metrics, doubt = Radiograph(values.presented(), facts), metrics_beside(predictor), heatmap_doubt(card.id)
    return report_pdf(
        ReportContent(case.finding_of(predictor), picture, card, metrics, terms, case.remarks, made, extra_rows, doubt)
    )
