"""The open X-ray's grey window, for the eye only: centre and width for a DICOM of more than 8 bits, percent for all others."""

from functools import partial

import numpy as np
import streamlit as st

from pneumo.imaging.overlay import grey_picture
from pneumo.imaging.windowing import LINEAR, GreyValues
from pneumo.ui.diagnose.sidebar import View
from pneumo.ui.shell.state import Case

FULL_RANGE, TABLE, BY_HAND = "full range of the picture", "table of the file (VOI LUT)", "set by hand"
_FINEST = 64  # a picture that spans fewer units is stepped in fractions of one


def eye_picture(case: Case, view: View) -> np.ndarray:
    """Draw the window's controls in the sidebar; return uint8 (h, w, 3), the open case's radiograph as they say."""
    values = case.values
    span = np.subtract(*values.range[::-1]) if values else 0.0
    if not 0 < span < 1e9:  # none, or nothing that a slider could hold
        st.sidebar.slider("Grey window", 0, 100, key="grey_window", format="%d %%",
                          help="For the eye only: spreads these grey levels from black to white. "
                               "The answer does not change.")  # fmt: skip
        return grey_picture(case.pixels, view.window)
    windows = presets(values)
    chosen, centre, width = _controls(case, windows, span)
    # The first is what the model was given: drawn from the same pixels, so that it is the same to the last grey level.
    return grey_picture(case.pixels if chosen == next(iter(windows)) else values.through(centre, width))


def presets(values: GreyValues) -> dict[str, tuple[float, float]]:
    """Name -> (centre, width), the file's default presentation first."""
    low, high = values.range
    # By PS3.3 C.11.2.1.2.1 a LINEAR window of this centre and width runs from `low`, black, to `high`, white.
    one = 1.0 if values.function == LINEAR and high - low >= 1 else 0.0
    full = ((low + high + one) / 2, high - low + one)
    named = {window.name: (window.centre, window.width) for window in values.windows}
    return {**({TABLE: full} if values.has_table else {}), **named, FULL_RANGE: full}


def _controls(case: Case, windows: dict[str, tuple[float, float]], span: float) -> tuple[str, float, float]:
    """Preset, centre and width as chosen. They are kept with the case: Streamlit forgets a widget that is not drawn."""
    state, side = st.session_state, st.sidebar
    low, high = case.values.range
    step = 1.0 if span >= _FINEST else span / 256
    # Wide enough for the file's own windows, unless they lie absurdly far from its grey values.
    lowest = max(low - span, min(low, *(centre for centre, _ in windows.values())))
    highest = min(high + span, max(high, *(centre for centre, _ in windows.values())))
    widest = min(4 * span, max(span, *(width for _, width in windows.values())))
    within = {name: (min(max(c, lowest), highest), min(max(w, step), widest)) for name, (c, w) in windows.items()}
    first = next(iter(within))
    keys = [f"window-{part}-{case.finding.sha256[:8]}" for part in ("preset", "centre", "width")]
    for key, value in zip(keys, case.window or (first, *within[first]), strict=True):
        state.setdefault(key, value)
    preset, centre, width = keys

    def to_preset(name: str | None = None) -> None:
        state[preset] = name or state[preset]
        if state[preset] in within:
            state[centre], state[width] = within[state[preset]]

    side.selectbox("Window", [*within, BY_HAND], key=preset, on_change=to_preset)
    by_hand = partial(state.__setitem__, preset, BY_HAND)
    side.slider("Window centre", lowest, highest, key=centre, step=step, format="%g", on_change=by_hand)
    side.slider("Window width", step, widest, key=width, step=step, format="%g", on_change=by_hand)
    side.button("Reset window", on_click=to_preset, args=(first,), disabled=state[preset] == first)
    side.caption("For the eye only, in the file's own units. The model is always given the first one in the list.")
    case.window = (state[preset], state[centre], state[width])
    return case.window
