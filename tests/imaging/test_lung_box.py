import numpy as np
import pytest

from pneumo.imaging.lung_box import Box, lung_box
from pneumo.imaging.perturbations import pad, shift
from pneumo.imaging.preprocess import InputSpec, model_input

SPEC = InputSpec(64, 0, lung_centred=True)


def picture() -> tuple[np.ndarray, np.ndarray]:
    """Two bright lungs in a grey picture, and where they are."""
    rows, columns = np.mgrid[:224, :224]
    mask = np.zeros((224, 224), bool)
    mask[60:150, 50:90] = mask[60:150, 120:160] = True
    return np.where(mask, 120 + rows // 2 + columns // 4, 40).astype(np.uint8), mask


def test_the_box_is_the_lungs_with_a_margin_each_axis_by_itself():
    _, mask = picture()
    box = lung_box(mask, margin=0.1)
    assert (box.left, box.right) == pytest.approx((39 / 224, 171 / 224))  # 110 pixels wide
    assert (box.top, box.bottom) == pytest.approx((51 / 224, 159 / 224))  # 90 pixels high


def test_the_box_ends_with_the_image():
    mask = np.zeros((10, 20), bool)
    mask[0:10, 0:19] = True
    assert lung_box(mask, margin=0.1) == Box(0.0, 0.0, 1.0, 1.0)


def test_an_empty_mask_has_no_box():
    with pytest.raises(ValueError, match="empty"):
        lung_box(np.zeros((8, 8), bool))


@pytest.mark.parametrize("change", [lambda x: shift(x, 0.1, -0.08), lambda x: pad(x, 0.12)])
def test_neither_place_nor_frame_reaches_the_model(change):
    image, mask = picture()
    moved, where = change(image), change(255 * mask.astype(np.uint8)) > 127
    before, after = (model_input(x, SPEC, lung_box(m)) for x, m in ((image, mask), (moved, where)))
    assert np.abs(before - after).mean() < 0.03
    assert np.abs(model_input(image, InputSpec(64)) - model_input(moved, InputSpec(64))).mean() > 0.05


def test_a_lung_centred_model_is_never_shown_the_whole_frame_instead():
    with pytest.raises(ValueError, match="received none"):
        model_input(picture()[0], SPEC)
    with pytest.raises(ValueError, match="received none"):
        SPEC.shown(None)
