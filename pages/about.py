"""The models, their intended use, and every evaluation on the test split."""

import pandas
import streamlit as st

from pneumo.errors import ModelError
from pneumo.outgoing import markdown
from pneumo.paths import models_dir
from pneumo.record.settings import record_url
from pneumo.reporting.model_card import INTENDED_USE, card_markdown
from pneumo.ui.shell.frame import require_frame
from pneumo.ui.shell.models import usable_models

require_frame()
st.write(INTENDED_USE)
usable, problems = usable_models()
for problem in problems:
    st.error(markdown(problem))
for tab, model in zip(st.tabs([markdown(model) for model in usable]), usable, strict=True) if usable else ():
    with tab:
        try:
            st.markdown(card_markdown(model).replace("# ", "## ", 1).replace("\n## ", "\n### "))
        except ModelError as error:
            st.error(markdown(str(error)))
ledger = models_dir() / "ledger.csv"
if ledger.is_file():
    st.subheader("Looks at the test split")
    st.caption("Every evaluation on the 624 test images. None was used to choose a model or a threshold.")
    st.dataframe(pandas.read_csv(ledger), hide_index=True)
st.subheader("Privacy")
st.write(
    "A dropped X-ray stays in the memory of your session and is removed with it. Neither its name nor its pixels are "
    "written to a disk or a log, and the app calls no other computer. "
    + (
        "The record is switched on here: answers, with your agreement and note, are stored without picture or name; see History."
        if record_url()
        else "Answers are not stored, unless the operator switches the record on."
    )
)
