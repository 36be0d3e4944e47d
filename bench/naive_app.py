"""A naive Streamlit app around bench/naive.py, for comparison (see bench/cold_start.py). `streamlit run bench/naive_app.py`"""

import tempfile
from pathlib import Path

import streamlit as st
from naive import Naive


@st.cache_resource
def network() -> Naive:
    return Naive()


st.title("Pneumonia detection")
naive = network()
if dropped := st.file_uploader("X-ray"):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "image"
        file.write_bytes(dropped.getvalue())
        probability, overlay = naive.answer(file)
    st.header(f"{'PNEUMONIA' if probability > 0.5 else 'NORMAL'} {probability:.1%}")
    st.image(overlay)
