"""Train a network, watch it, compare runs, and promote one to the model registry."""

import shlex

import streamlit as st

from pneumo.data.catalog import SYNTHETIC_NOTE
from pneumo.outgoing import markdown
from pneumo.paths import data_dir, runs_dir
from pneumo.training.jobs import queue
from pneumo.ui.dataset.gallery import summary_line
from pneumo.ui.dataset.library import current_catalog
from pneumo.ui.shell.frame import require_frame
from pneumo.ui.shell.state import take_message
from pneumo.ui.train.first_run import show_first_run, show_preview
from pneumo.ui.train.form import show_form
from pneumo.ui.train.job import show_jobs
from pneumo.ui.train.runs import show_past_runs
from pneumo.ui.train.view import run_views
from pneumo.versions import ONLY_ANSWERS, can_train

require_frame()
catalog, runs = current_catalog(), runs_dir()
if catalog is None:
    st.info("There is no data set here yet. Get the public one, or make a synthetic one to try everything.")
    st.page_link("pages/dataset.py", label="To the Dataset page")
else:
    st.markdown(f"Data: {summary_line(catalog)}")
    if (catalog.root / SYNTHETIC_NOTE).is_file():
        st.caption("A synthetic set: a model trained on it says nothing about pneumonia.")
if can_train():
    show_form(catalog)
else:
    st.info(ONLY_ANSWERS)
if message := take_message():
    st.error(markdown(message))
show_preview()
views = run_views(runs)
show_jobs(views, runs, data_dir())
past = [view for view in views if view.is_past]
if past:
    show_past_runs(past, data_dir())
elif not views and can_train():
    show_first_run(catalog)
with st.expander("TensorBoard"):
    st.write("Every run also keeps a TensorBoard log. Start it on this computer, then open the link here:")
    st.code(shlex.join(["tensorboard", "--logdir", str(runs), "--port", "6006"]), language="bash", wrap_lines=True)
    st.link_button("Open http://localhost:6006", "http://localhost:6006")
queue.ensure_worker(runs)  # last, as it may wait for a lock
