"""The sidebar of the Train page: preset, architecture, more settings, and the button that starts the run.

The key of a setting's widget is FORM and its name; a preset writes these keys, and the config is read from them.
"""

from dataclasses import fields
from typing import Any

import streamlit as st

from pneumo.access import Action
from pneumo.data.catalog import Catalog
from pneumo.data.split import HELD_OUT
from pneumo.errors import ConfigError, PneumoError
from pneumo.labels import Label
from pneumo.outgoing import markdown
from pneumo.paths import data_dir, runs_dir
from pneumo.training.config import BALANCES, OPTIMIZERS, SCHEDULES, TrainConfig, make_config
from pneumo.training.estimate import Estimate, estimate_seconds, images_an_epoch
from pneumo.training.jobs import queue
from pneumo.training.presets import PRESETS, QUICK, STANDARD, architectures, is_transfer, preset, presets_of
from pneumo.ui.shell.access import check
from pneumo.ui.shell.state import FORM, leave_message
from pneumo.ui.train.view import estimate_sentence, free_name, train_command

_DEFAULT = "cnn"
_FILE = "a file on this computer"
_WEIGHTS = {"imagenet": "ImageNet", "none": "none", _FILE: _FILE}
_WEIGHTS_HELP = (
    "ImageNet: weights trained on a million photographs; Keras downloads them once, about 100 MB. None: random weights, "
    "which need far more images than this set has."
)
_BALANCE_WORDS = {
    "none": "none",
    "weights": "class weights",
    "replicate": "repeat the smaller class",
    "classes": "draw both classes equally often",
}
_BALANCE_HELP = (
    "The public set has about three sick children for each healthy one, and its classes were X-rayed in different ways. "
    "Class weights let both count equally in the loss; repeating shows the smaller class more often, with new augmentation; "
    "drawing shows both equally often in an epoch of the usual length."
)
_SCHEDULE_WORDS = {"cosine": "cosine", "constant": "constant", "plateau": "halved on a plateau"}
_SCHEDULE_HELP = (
    "Cosine: rises in the first twentieth of a stage, then falls to zero. Plateau: halved after two epochs without a lower "
    "validation loss."
)
_STAGES = {name: name for name in ("conv1", "conv2", "conv3", "conv4", "conv5")}
_FILE_HELP = "A Keras .weights.h5 or .h5 file on the computer that runs this app."
_RATE_HELP = "Size of the steps. If it is too large, the loss becomes NaN."
_AUGMENTATION_HELP = "Strength of random flips, rotations, shifts, exposure and markers; 0 switches it off."
_DROPOUT_HELP = "Share of units left out at random in each step, against overfitting."
_SUBTYPE_HELP = "A second output, trained on the pneumonia cases only. The data must name the kind."
_LEARNING = ("epochs", "batch_size", "learning_rate", "optimizer", "schedule", "patience")
_IMAGES = ("size", "augmentation", "crop", "balance", "hidden", "label_smoothing", "subtype", "seed")


def train_counts(catalog: Catalog) -> tuple[int, int]:
    """(NORMAL, PNEUMONIA) images of the train part, estimated: all but test, less the held-out share."""
    share = 1 - sum(HELD_OUT.values())
    labels = [entry.record.label for entry in catalog.entries if entry.record.split != "test"]
    return round(share * labels.count(Label.NORMAL)), round(share * labels.count(Label.PNEUMONIA))


def estimated(config: TrainConfig, catalog: Catalog) -> Estimate | None:
    return estimate_seconds(config, images_an_epoch(config, *train_counts(catalog)), runs_dir())


def show_form(catalog: Catalog | None) -> None:
    state = st.session_state
    if FORM + "epochs" not in state:
        state.setdefault(FORM + "preset", QUICK)
        state.setdefault(FORM + "architecture", _DEFAULT)
        _fill()
    if state.get("train-suggested") in (None, state.get(FORM + "name")):  # not typed by hand
        state["train-suggested"] = state[FORM + "name"] = free_name(state[FORM + "architecture"], runs_dir())
    with st.sidebar:
        st.markdown("**New run**")
        st.selectbox("Preset", presets_of(state[FORM + "architecture"]), key=FORM + "preset", on_change=_fill)
        st.caption(PRESETS[state[FORM + "preset"]])
        st.selectbox("Architecture", architectures(), key=FORM + "architecture", on_change=_fill)
        with st.expander("More settings"):
            _settings(catalog)
        st.text_input("Name of the run", key=FORM + "name", help="A folder of this name is made for it.")
        _start_row(catalog)


def _settings(catalog: Catalog | None) -> None:
    architecture = st.session_state[FORM + "architecture"]
    own = _own_fields(architecture)
    _whole("epochs", "Epochs", "How often every image is shown.")
    if is_transfer(architecture):
        _whole("head_epochs", "Of these with a frozen backbone", "The first epochs train the new head alone, which is much faster.")
        _choice("backbone_weights", "Backbone weights", _WEIGHTS, _WEIGHTS_HELP)
        if st.session_state[FORM + "backbone_weights"] == _FILE:
            st.text_input("Path of the weights file", key=FORM + "weights_file", help=_FILE_HELP)
    if "trainable_from" in own:
        _choice("trainable_from", "Fine-tune from stage", _STAGES, "Earlier stages stay as they are.")
    _whole("batch_size", "Batch size", "Images a step. Smaller needs less memory.")
    st.number_input("Learning rate", min_value=0.0, step=1e-5, format="%.1e", key=FORM + "learning_rate", help=_RATE_HELP)
    _choice("optimizer", "Optimizer", {name: name for name in OPTIMIZERS})
    _choice("schedule", "Learning-rate schedule", {name: _SCHEDULE_WORDS[name] for name in SCHEDULES}, _SCHEDULE_HELP)
    _whole("patience", "Patience", "Stop after this many epochs without a lower validation loss; 0 never stops early.")
    _whole("size", "Image size, pixels", "Side of the square the network sees. Time grows with its square.", step=32)
    _slider("augmentation", "Augmentation", 0.0, 2.0, _AUGMENTATION_HELP, step=0.1)
    _slider("crop", "Least area shown", 0.05, 1.0, "Augmentation at strength 1 shows at least this share of the area.")
    st.button("Show what augmentation does", on_click=_request_preview, args=(_sample(catalog),), key="train-preview-ask")
    _choice("balance", "Balancing", {name: _BALANCE_WORDS[name] for name in BALANCES}, _BALANCE_HELP)
    _slider("hidden", "Lungs hidden", 0.0, 0.5, "Share of images shown with their lungs painted over and without a label.")
    _slider("label_smoothing", "Label smoothing", 0.0, 0.45, "How far labels are moved towards 0.5, against overconfidence.")
    for name in own:
        if "dropout" in name:
            _slider(name, name.replace("_", " ").capitalize(), 0.0, 0.9, _DROPOUT_HELP)
    st.checkbox("Also bacterial against viral", key=FORM + "subtype", help=_SUBTYPE_HELP)
    _whole("seed", "Seed", "The same seed gives the same split and the same draws.")


def _whole(name: str, label: str, help: str, step: int = 1) -> None:
    st.number_input(label, min_value=0, step=step, key=FORM + name, help=help)


def _slider(name: str, label: str, least: float, most: float, help: str, step: float = 0.05) -> None:
    st.slider(label, least, most, step=step, key=FORM + name, help=help)


def _choice(name: str, label: str, words: dict[str, str], help: str | None = None) -> None:
    st.selectbox(label, list(words), format_func=lambda name: words.get(name, ""), key=FORM + name, help=help)


def _start_row(catalog: Catalog | None) -> None:
    state = st.session_state
    try:
        config = chosen_config()
    except ConfigError as error:
        st.error(markdown(str(error)))
        st.button("Start training", disabled=True, key="train-start")
        return
    changed = _changed(config)
    if changed:
        st.caption(f"Changed from “{state[FORM + 'preset']}”: {', '.join(changed)}.")
    if catalog is not None:
        st.caption(estimate_sentence(estimated(config, catalog)))
    st.button(
        "Start training",
        type="primary",
        on_click=_start,
        disabled=catalog is None,
        key="train-start",
        width="stretch",
        help=None if catalog else "There is no data set yet; see the Dataset page.",
    )
    st.caption("The same from the command line:")
    st.code(train_command(config, data_dir(), runs_dir() / state[FORM + "name"]), language="bash", wrap_lines=True)


def chosen_config() -> TrainConfig:
    """The form's settings as a config. Raises ConfigError."""
    architecture = st.session_state[FORM + "architecture"]
    shown = {name: st.session_state[FORM + name] for name in _names(architecture)}
    settings = {**preset(st.session_state[FORM + "preset"], architecture), **shown}
    if settings.get("backbone_weights") == _FILE:
        settings["backbone_weights"] = st.session_state.get(FORM + "weights_file", "").strip()
        if not settings["backbone_weights"]:
            raise ConfigError("Name the file of the backbone weights, or choose other weights.")
    return make_config(architecture, settings)


def _start() -> None:
    name = st.session_state[FORM + "name"].strip()
    try:
        check(Action.TRAIN)
        queue.submit(chosen_config(), data_dir(), runs_dir(), name)
        st.session_state["train-suggested"] = None  # the next run gets a fresh name
    except PneumoError as error:
        leave_message(str(error))


def _fill() -> None:
    """Write the preset's settings into the widgets."""
    state = st.session_state
    architecture = state[FORM + "architecture"]
    if state[FORM + "preset"] not in presets_of(architecture):
        state[FORM + "preset"] = STANDARD
    values = make_config(architecture, preset(state[FORM + "preset"], architecture)).to_dict()
    for name in _names(architecture):
        state[FORM + name] = values[name]


def _names(architecture: str) -> list[str]:
    """The settings the form shows; all others keep the preset's values."""
    transfer = ("head_epochs", "backbone_weights") if is_transfer(architecture) else ()
    return [*_LEARNING, *_IMAGES, *transfer, *_own_fields(architecture)]


def _own_fields(architecture: str) -> list[str]:
    """Settings of the network itself that the form shows."""
    names = [field.name for field in fields(make_config(architecture, {}).network)]
    return [name for name in names if name == "trainable_from" or "dropout" in name]


def _changed(config: TrainConfig) -> list[str]:
    """Names of the settings that are no longer the preset's."""
    unchanged = make_config(config.architecture, preset(st.session_state[FORM + "preset"], config.architecture)).to_dict()
    return [name.replace("_", " ") for name, value in config.to_dict().items() if value != unchanged[name]]


def _sample(catalog: Catalog | None) -> str | None:
    """Path of the image that the preview shows; None for a phantom."""
    images: list[Any] = [entry.record.path for entry in catalog.entries if entry.record.split != "test"] if catalog else []
    return str(catalog.root / images[len(images) // 2]) if catalog and images else None


def _request_preview(path: str | None) -> None:
    state = st.session_state
    lung_centred = make_config(state[FORM + "architecture"], {}).lung_centred  # no widget changes it
    state["train-preview"] = (*(state[FORM + name] for name in ("augmentation", "seed", "crop")), lung_centred, path)
