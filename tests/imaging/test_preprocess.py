import io

import numpy as np
import pytest
from makers import png_bytes, ramp
from PIL import Image

from pneumo.imaging.decoding.decode import decode_image
from pneumo.imaging.lung_box import WHOLE, Box
from pneumo.imaging.preprocess import InputSpec, canonical, model_input
from pneumo.imaging.radiograph import ImageFacts, Radiograph


def radiograph(pixels: np.ndarray) -> Radiograph:
    pixels = np.asarray(pixels, np.float32)
    return Radiograph(pixels.copy(), ImageFacts("PNG", pixels.shape[1], pixels.shape[0], 8, 0))


def smooth(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width])[:, None, None]
    return 0.5 + 0.3 * np.sin(5 * x + 2 * y) + 0.2 * np.cos(4 * y)


def test_canonical_of_canonical_size_is_identity():
    image = np.random.default_rng(0).integers(0, 256, (224, 224), np.uint8)
    assert np.array_equal(canonical(decode_image(png_bytes(image))), image)


def test_canonical_rounds_and_clips():
    image = np.full((224, 224), 0.5)
    image[0, :4] = [0.0, 1.0, 1.2, -0.3]
    result = canonical(radiograph(image))
    assert result.dtype == np.uint8
    assert result[0, :5].tolist() == [0, 255, 255, 0, 128]


@pytest.mark.parametrize(("height", "width"), [(900, 1200), (1500, 700), (448, 448)])
def test_an_original_and_its_small_copy_agree(height, width):
    original = np.rint(smooth(height, width).clip(0, 1) * 255).astype(np.uint8)
    small = Image.fromarray(original).resize((224, 224), Image.Resampling.BILINEAR)
    assert np.ptp(np.asarray(small).astype(int)) > 100
    buffer = io.BytesIO()
    small.convert("RGB").save(buffer, "JPEG", quality=75)  # as the public copies were made
    copy = canonical(decode_image(buffer.getvalue()))
    ours = canonical(decode_image(png_bytes(original)))
    difference = np.abs(ours.astype(int) - copy)
    assert difference.mean() < 0.5  # Pillow rounds once more on the way to the copy
    assert difference.max() <= 4


def test_an_original_becomes_as_soft_as_the_copies():
    noise = np.random.default_rng(0).uniform(0.4, 0.6, (448, 448))
    resized = Image.fromarray(noise.astype(np.float32)).resize((224, 224), Image.Resampling.BILINEAR)
    ours = canonical(radiograph(noise))
    assert np.abs(np.diff(ours.astype(float), axis=0)).mean() < 0.9 * 255 * np.abs(np.diff(np.asarray(resized), axis=0)).mean()


def test_canonical_is_antialiased():
    stripes = np.tile([0.0, 1.0], (896, 448))  # every second column white: grey when reduced
    assert np.abs(canonical(radiograph(stripes))[:, 1:-1].astype(int) - 128).max() <= 3


def test_canonical_enlarges_small_images():
    assert canonical(radiograph(ramp(64, 80) / 255)).shape == (224, 224)


def test_crop_and_scale():
    image = np.random.default_rng(1).integers(0, 256, (224, 224), np.uint8)
    result = model_input(image, InputSpec(size=192, margin=16))
    assert (result.shape, result.dtype) == ((192, 192, 1), np.float32)
    np.testing.assert_allclose(result[..., 0], image[16:208, 16:208] / 255, rtol=1e-6)


def test_margin_is_cut_before_resizing():
    image = np.full((224, 224), 51, np.uint8)
    image[:16], image[-16:], image[:, :16], image[:, -16:] = 255, 255, 255, 255
    np.testing.assert_allclose(model_input(image, InputSpec(size=96, margin=16)), 0.2, atol=1e-6)


def test_resizing_is_bilinear_with_antialiasing():
    image = np.random.default_rng(2).integers(0, 256, (224, 224), np.uint8)
    expected = Image.fromarray(image.astype(np.float32) / 255).resize((112, 112), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(model_input(image, InputSpec(size=112, margin=0))[..., 0], np.asarray(expected), atol=1e-6)


def test_input_region_of_a_model_of_the_frame():
    assert InputSpec(margin=56).shown(None) == Box(0.25, 0.25, 0.75, 0.75)
    assert InputSpec(margin=0).shown(None) == WHOLE


@pytest.mark.parametrize("spec", [InputSpec(192, 16), InputSpec(160, 0), InputSpec(224, 0)])
def test_inputs_are_never_changed(spec):
    big = radiograph(smooth(300, 400))
    before = big.pixels.copy()
    image = canonical(big)
    copy = image.copy()
    model_input(image, spec)
    assert np.array_equal(big.pixels, before)
    assert np.array_equal(image, copy)
