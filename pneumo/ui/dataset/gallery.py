"""The Browse tab: filters, pages of small pictures, one large with its facts, classes side by side."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from pneumo.data.catalog import Catalog, Entry
from pneumo.imaging.overlay import grey_picture
from pneumo.labels import LABELS, SUBTYPES, Label, Subtype
from pneumo.ui.dataset.library import mean_and_variance, pictures, show_file
from pneumo.ui.shell import state

PAGE = 24  # pictures a page
_KINDS = {
    Label.NORMAL: (Label.NORMAL, Subtype.NONE),
    Subtype.BACTERIAL: (Label.PNEUMONIA, Subtype.BACTERIAL),
    Subtype.VIRAL: (Label.PNEUMONIA, Subtype.VIRAL),
}


def summary_line(catalog: Catalog) -> str:
    """Counts and balance in one line."""
    labels = [entry.record.label for entry in catalog.entries]
    normal, pneumonia = labels.count(Label.NORMAL), labels.count(Label.PNEUMONIA)
    ratio = f"{pneumonia / normal:.2f} PNEUMONIA for each NORMAL" if normal else "no NORMAL image"
    patients = len({entry.record.patient for entry in catalog.entries})
    return f"{len(labels):,} images of {patients:,} patients: {normal:,} NORMAL, {pneumonia:,} PNEUMONIA ({ratio})"


def choose_entries(catalog: Catalog) -> list[Entry]:
    """The filters, and the entries that pass them."""
    with st.expander("Filters"):
        cells = st.columns(4)
        splits = sorted({entry.record.split for entry in catalog.entries})
        split = cells[0].multiselect("Split", splits, key="browse_split", placeholder="all")
        label = cells[1].multiselect("Class", LABELS, key="browse_label", placeholder="both")
        subtype = cells[2].multiselect("Kind", SUBTYPES, key="browse_subtype", placeholder="all")
        patient = cells[3].text_input("Patient", key="browse_patient", placeholder="part of a number, such as virus-12")
        sides = [max(entry.width, entry.height) for entry in catalog.entries]
        low, high = min(sides), max(sides)
        if low < high:
            low, high = st.slider("Longer side, pixels", low, high, (low, high), key="browse_side")
    return [
        entry
        for entry in catalog.entries
        if (not split or entry.record.split in split)
        and (not label or entry.record.label in label)
        and (not subtype or entry.record.subtype in subtype)
        and (not patient or patient.strip().lower() in entry.record.patient.lower())
        and low <= max(entry.width, entry.height) <= high
    ]


def show_gallery(catalog: Catalog, entries: Sequence[Entry]) -> None:
    """One page of small pictures; a click opens one large."""
    if not entries:
        st.info("No image passes these filters. Widen them.")
        return
    pages = -(-len(entries) // PAGE)
    page = min(st.session_state.get("browse_page", 0), pages - 1)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Previous page", disabled=page == 0, on_click=state.put, args=("browse_page", page - 1), key="page_back")
        st.markdown(f"page {page + 1} of {pages:,}, {len(entries):,} images", width="content")
        st.button("Next page", disabled=page == pages - 1, on_click=state.put, args=("browse_page", page + 1), key="page_on")
    shown = list(entries[page * PAGE : (page + 1) * PAGE])
    with st.container(horizontal=True, gap="small", key="gallery"):
        for entry, picture in zip(shown, pictures(catalog.root, shown), strict=True):
            path, alt = entry.record.path, f"radiograph, {_title(entry)}, {entry.record.patient}"
            with st.container(width=132, gap=None):
                st.image(grey_picture(_or_blank(picture) / 255), width=132, alt=alt)
                st.button(_title(entry), key=f"show-{path}", on_click=state.put, args=("browse_open", path), width="stretch")


def show_large(catalog: Catalog) -> None:
    """The opened image with its facts, and a button that sends it to Diagnose."""
    path = st.session_state.get("browse_open")
    entry = next((entry for entry in catalog.entries if entry.record.path == path), None)
    if entry is None:
        return
    state.go_where_sent()
    record = entry.record
    truth = record.label if record.subtype == Subtype.NONE else f"{record.label}, {record.subtype}"
    rows = [
        ("Class", truth),
        ("Patient", f"{record.patient} (series {record.series or 'unknown'})"),
        ("Split", record.split),
        ("Size", f"{entry.width} x {entry.height} pixels, {entry.size_bytes / 1024:.0f} KB"),
        ("File", record.path),
        ("SHA-256", entry.sha256[:16]),
    ]
    show_file(record.path, catalog.root / record.path, truth, rows, "browse_", "radiograph of the data set")


def compare_classes(catalog: Catalog) -> None:
    """A row of random images for each class and kind."""
    seed = st.session_state.setdefault("compare_seed", 0)
    st.button("Show others", on_click=state.put, args=("compare_seed", seed + 1), key="others")
    for kind, members in _by_kind(catalog).items():
        if not members:
            continue
        chosen = [members[i] for i in np.random.default_rng(seed).choice(len(members), min(6, len(members)), replace=False)]
        st.markdown(f"**{kind}**")
        with st.container(horizontal=True, gap="small"):
            for entry, picture in zip(chosen, pictures(catalog.root, chosen), strict=True):
                st.image(grey_picture(_or_blank(picture) / 255), width=180, alt=f"radiograph, {kind}, {entry.record.patient}")


def show_averages(catalog: Catalog) -> None:
    """Mean and variance image of each class and kind."""
    st.caption(
        "All images are squashed to 224 x 224. A sharp letter in a mean image is a marker in the same place in many pictures: "
        "a network could tell the class by it without the lungs. Variance is bright where images of the class differ; all have "
        "the same scale."
    )
    for column, (kind, members) in zip(st.columns(len(_KINDS)), _by_kind(catalog).items(), strict=True):
        paths = tuple(entry.record.path for entry in members)
        with column:
            st.markdown(f"**{kind}**, {len(paths):,} images")
            if paths:
                mean, variance = mean_and_variance(str(catalog.root), paths)
                st.image(grey_picture(mean / 255), caption="mean", width="stretch", alt=f"mean image, {kind}")
                picture, alt = grey_picture(variance / 90**2), f"variance image, {kind}"
                st.image(picture, caption="variance, black 0 to white 90 x 90 grey levels", width="stretch", alt=alt)


def _by_kind(catalog: Catalog) -> dict[str, list[Entry]]:
    entries = catalog.entries
    return {kind: [entry for entry in entries if (entry.record.label, entry.record.subtype) == of] for kind, of in _KINDS.items()}


def _title(entry: Entry) -> str:
    return entry.record.subtype if entry.record.subtype != Subtype.NONE else entry.record.label


def _or_blank(picture: np.ndarray | None) -> np.ndarray:
    return np.zeros((224, 224), np.uint8) if picture is None else picture
