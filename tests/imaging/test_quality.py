import numpy as np
import pytest
from makers import jpeg_bytes, png_bytes

from pneumo.imaging.decoding.decode import decode
from pneumo.imaging.preprocess import canonical
from pneumo.imaging.quality import clipped, image_issues
from pneumo.imaging.radiograph import ImageFacts, Radiograph
from pneumo.synthetic.phantom import make_phantom

FACTS = ImageFacts("PNG", 640, 512, 8, 1000)
CHEST = canonical(Radiograph(make_phantom(seed=2).pixels, FACTS))


def said(image=CHEST, **facts) -> list[tuple[bool, str]]:
    found = image_issues(image, ImageFacts(**{**vars(FACTS), **facts}))
    return [(issue.rejects, issue.reason) for issue in found]


def test_an_ordinary_chest_passes():
    assert said() == []


@pytest.mark.parametrize(
    ("facts", "rejects", "word"),
    [
        ({"colour": 0.2}, True, "colour"),
        ({"colour": 0.04}, False, "tinted"),
        ({"width": 3000}, True, "strip"),
        ({"height": 200}, False, "unusually long"),
        ({"height": 140, "width": 150}, False, "only 150 x 140 pixels"),
    ],
)
def test_facts_that_speak_against(facts, rejects, word):
    ((found, reason),) = said(**facts)
    assert found is rejects
    assert word in reason


@pytest.mark.parametrize(
    ("image", "rejects", "word"),
    [
        (np.full((224, 224), 128, np.uint8), True, "hardly any contrast"),
        ((CHEST * 0.15 + 100).astype(np.uint8), False, "little contrast"),
        (np.where(CHEST > 128, 255, 0).astype(np.uint8), True, "pure black or pure white"),
        (np.clip(CHEST.astype(int) * 2, 0, 255).astype(np.uint8), False, "Much of the image"),
    ],
)
def test_pictures_that_speak_against(image, rejects, word):
    ((found, reason),) = said(image)
    assert found is rejects
    assert word in reason


def test_the_margin_does_not_count():
    image = CHEST.copy()
    image[:16], image[-16:] = 255, 255
    assert said(image) == []
    assert clipped(np.array([0, 1, 2, 253, 254, 255], np.uint8)) == pytest.approx(4 / 6)


def test_colour_is_measured_before_it_is_lost():
    red = np.zeros((80, 80, 3), np.uint8)
    red[..., 0] = 255
    assert decode(png_bytes(red)).facts.colour == pytest.approx(1.0)
    grey = np.tile(np.arange(80, dtype=np.uint8)[None, :, None], (80, 1, 3))
    assert decode(jpeg_bytes(grey)).facts.colour == pytest.approx(0.0, abs=0.005)
    assert decode(png_bytes(grey[..., 0])).facts.colour == 0.0


def test_a_value_on_the_line_is_still_within():
    assert said(colour=0.08) == said(colour=0.04)
    assert said(colour=0.02) == []
