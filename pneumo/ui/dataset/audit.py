"""The Audit tab: duplicates, how the classes differ, and how well they can be told apart without the lungs."""

import hashlib
import json
from dataclasses import fields
from pathlib import Path

import streamlit as st

from pneumo.access import LEAST, Action
from pneumo.data.audit import Audit, audit_dataset, audit_from_dict, audit_to_dict
from pneumo.data.audit_report import audit_markdown
from pneumo.data.cache import canonical_dir
from pneumo.data.catalog import Catalog
from pneumo.data.lung_masks import LungSource
from pneumo.errors import ModelError
from pneumo.files import write_json
from pneumo.imaging.overlay import grey_picture
from pneumo.outgoing import code, markdown
from pneumo.paths import data_dir
from pneumo.studies.segmented_lungs import segmenter, segmenter_version
from pneumo.ui.dataset.library import pictures
from pneumo.ui.shell.access import permitted
from pneumo.ui.shell.state import put
from pneumo.versions import ONLY_ANSWERS, can_train

_SHOWN = 12  # pairs with pictures


def show_audit(catalog: Catalog) -> None:
    """The stored audit of these files, or the button that makes one."""
    for problem in catalog.problems:
        st.warning(markdown(problem))
    audit_file = _audit_file(catalog)
    if not audit_file.is_file() and not can_train():
        st.info(ONLY_ANSWERS)
        return
    if not audit_file.is_file():
        st.write("An audit reads every image once and takes about two minutes for 6,000 small ones.")
        if not permitted(Action.DATA):
            st.info(f"To run it, the role {LEAST[Action.DATA].name.lower()} is needed.")
            return
        st.button("Run the audit", type="primary", on_click=put, args=("audit_asked", True))
        if not st.session_state.pop("audit_asked", False):
            return
        line = st.progress(0.0, "Reading the images")

        def show(done: int, total: int) -> None:
            line.progress(done / total, f"Read {done:,} of {total:,} images")

        result = audit_dataset(data_dir(), show, _lungs())
        write_json(audit_file, audit_to_dict(result))
        st.rerun()
    result = audit_from_dict(json.loads(audit_file.read_text(encoding="utf-8")))
    st.markdown(audit_markdown(result))
    _look_alikes(catalog, result)


def _audit_file(catalog: Catalog) -> Path:
    """Path of the audit; it changes with the files, the lung segmenter and the fields of Audit."""
    parts = [*sorted(entry.sha256 for entry in catalog.entries), segmenter_version(), *(field.name for field in fields(Audit))]
    key = hashlib.sha256("".join(parts).encode()).hexdigest()[:16]
    return canonical_dir() / f"audit-{key}.json"


def _lungs() -> LungSource | None:
    try:
        return segmenter()
    except ModelError:  # the audit says that lungs were not segmented, and how to see why
        return None


def _look_alikes(catalog: Catalog, result: Audit) -> None:
    """Duplicates as pictures, those across splits or classes first."""
    entries = {entry.record.path: entry for entry in catalog.entries}
    pairs = [likeness for likeness in (*result.identical, *result.near) if all(path in entries for path in likeness.paths[:2])]
    pairs.sort(key=lambda likeness: (likeness.same_split and likeness.same_label, likeness.same_bytes))
    if not pairs:
        return
    st.subheader("Look-alikes side by side")
    for likeness in pairs[:_SHOWN]:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            paths = likeness.paths[:2]
            for path, picture in zip(paths, pictures(catalog.root, [entries[path] for path in paths]), strict=True):
                if picture is not None:
                    st.image(grey_picture(picture / 255), width=160, alt=f"radiograph {path}")
            how = "identical files" if likeness.same_bytes else f"correlation {likeness.correlation:.3f}"
            st.markdown(f"{code(paths[0])}  \n{code(paths[1])}  \n{how}", width="content")
