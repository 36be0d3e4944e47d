"""The Train page before the first run: how to start one, how long it takes, and a preview of augmentation."""

from pathlib import Path

import streamlit as st

from pneumo.data.catalog import Catalog
from pneumo.errors import PneumoError
from pneumo.outgoing import markdown
from pneumo.training.config import make_config
from pneumo.training.presets import PRESETS, QUICK, architectures, preset, presets_of
from pneumo.training.preview import render_preview
from pneumo.ui.shell.state import put
from pneumo.ui.train.form import estimated


def show_first_run(catalog: Catalog | None) -> None:
    """The empty page: how to start, and how long each choice takes."""
    st.subheader("No run yet", anchor=False)
    st.write(
        "Choose a preset and an architecture in the sidebar (on a narrow screen, behind the arrows at the top) and press "
        f"**Start training**. “{QUICK}” with `cnn` is the quickest way to see everything work: training, curves, promotion and an "
        "answer on Diagnose. Training continues when this page or the browser is closed, and when the app is restarted."
    )
    if catalog is None:
        return
    rows = []
    common = [name for name in PRESETS if all(name in presets_of(architecture) for architecture in architectures())]
    for architecture in architectures():
        estimates = [estimated(make_config(architecture, preset(name, architecture)), catalog) for name in common]
        cells = [estimate.words if estimate else "not known" for estimate in estimates]
        rows.append(f"| `{architecture}` | " + " | ".join(cells) + " |")
    st.markdown("\n".join([f"| Architecture | {' | '.join(common)} |", "|---" * (len(common) + 1) + "|", *rows]))
    st.caption(
        "Estimated times for the data above, without a GPU. `resnet50` and `densenet169` start from ImageNet weights, which "
        "Keras downloads once (about 100 and 50 MB), unless other weights are chosen."
    )


def show_preview() -> None:
    """The augmented views requested in the sidebar, until they are closed."""
    request = st.session_state.get("train-preview")
    if request is None:
        return
    strength, seed, crop, lung_centred, path = request
    try:
        with st.spinner("Drawing augmented views; this loads Keras in a process of its own and takes up to half a minute"):
            picture = _preview(strength, seed, crop, lung_centred, path, Path(path).stat().st_mtime_ns if path else 0)
    except (PneumoError, OSError) as error:
        gone = "The sample image has disappeared. Check the data folder."
        st.error(markdown(str(error) if isinstance(error, PneumoError) else gone))
    else:
        st.image(picture, width="stretch", alt="augmented views of one radiograph")
        cut = ", cut to the box of its lungs" if lung_centred else ""
        st.caption(
            f"Left: one image as the network sees it{cut}. Right: eight draws at strength {strength:g}. Each epoch "
            "draws new ones for every image. If the lungs are hard to read, lower the strength."
        )
    st.button("Close", key="train-preview-close", on_click=put, args=("train-preview", None))


@st.cache_data(show_spinner=False, max_entries=16)
def _preview(strength: float, seed: int, crop: float, lung_centred: bool, path: str | None, stamp: int) -> bytes:
    return render_preview(strength, seed, Path(path) if path else None, crop, lung_centred)
