"""The shipped segmenter as a source of lungs for the audit."""

import numpy as np
import pytest

from pneumo.data.lung_masks import place_of
from pneumo.data.records import Record
from pneumo.errors import ModelError
from pneumo.imaging.decoding.decode import decode_image
from pneumo.imaging.preprocess import canonical
from pneumo.studies.segmented_lungs import segmenter, segmenter_version
from pneumo.synthetic.phantom import make_phantom, phantom_png

RECORD = Record("a.png", "NORMAL", "none", "a", "train")


def test_lungs_of_a_phantom_and_none_in_noise():
    source = segmenter()
    assert source.name == f"the project's lung segmenter ({segmenter_version()[:8]})"
    place = place_of(source.find(RECORD, canonical(decode_image(phantom_png(make_phantom(seed=3))))))
    assert 0.4 < place.height < 0.9
    assert place.above + place.height + place.below == pytest.approx(1, abs=0.02)
    assert source.find(RECORD, np.random.default_rng(0).integers(0, 255, (224, 224)).astype(np.uint8)) is None


def test_without_a_segmenter(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(tmp_path))
    monkeypatch.setattr("pneumo.inference.lung_fields.SHIPPED", tmp_path / "lungs")
    assert segmenter_version() == ""
    with pytest.raises(ModelError, match="No lung segmenter"):
        segmenter()
