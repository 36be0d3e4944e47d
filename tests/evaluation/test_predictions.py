import dataclasses

import numpy as np
import pytest

from pneumo.errors import DataError
from pneumo.evaluation.predictions import make_predictions, read_predictions, write_predictions

FILES = ["test/NORMAL/IM-0001-0001.jpeg", 'test/NORMAL/a, "b" é.png', "test/PNEUMONIA/person3_virus_8.jpeg"]


def predictions():
    return make_predictions(
        FILES, ["NORMAL", "NORMAL", "PNEUMONIA"], ["none", "none", "viral"], [-3.25, 1e-7 / 3, 12345.6789], [0.1, 2 / 3, 1.0]
    )


def test_round_trip(tmp_path):
    path = tmp_path / "predictions.csv"
    write_predictions(path, predictions())
    back = read_predictions(path)
    assert back.files == tuple(FILES)
    assert back.labels.tolist() == [0, 0, 1]
    assert back.subtypes == ("none", "none", "viral")
    np.testing.assert_allclose(back.logits, predictions().logits, rtol=1e-8)
    np.testing.assert_allclose(back.probabilities, predictions().probabilities, rtol=1e-8)


def test_columns_and_rows_as_written(tmp_path):
    path = tmp_path / "predictions.csv"
    write_predictions(path, predictions())
    assert b"\r" not in path.read_bytes()  # the same bytes on every system
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines[0] == "file,label,subtype,logit,probability"
    assert lines[1] == "test/NORMAL/IM-0001-0001.jpeg,NORMAL,none,-3.25,0.1"
    assert lines[3] == "test/PNEUMONIA/person3_virus_8.jpeg,PNEUMONIA,viral,12345.6789,1"


def test_a_stated_kind_is_the_last_column(tmp_path):
    path = tmp_path / "predictions.csv"
    told = dataclasses.replace(predictions(), bacterial=np.array([0.25, 1 / 3, 1.0]))
    write_predictions(path, told)
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines[0] == "file,label,subtype,logit,probability,bacterial"
    assert lines[3] == "test/PNEUMONIA/person3_virus_8.jpeg,PNEUMONIA,viral,12345.6789,1,1"
    np.testing.assert_allclose(read_predictions(path).bacterial, told.bacterial, rtol=1e-8)


def test_without_it_there_is_none(tmp_path):
    write_predictions(tmp_path / "predictions.csv", predictions())
    assert read_predictions(tmp_path / "predictions.csv").bacterial is None


def test_known_kind_needs_pneumonia_and_a_kind():
    p = make_predictions(
        ["a", "b", "c", "d"],
        ["NORMAL", "PNEUMONIA", "PNEUMONIA", "PNEUMONIA"],
        ["viral", "none", "viral", "bacterial"],
        [0] * 4,
        [0.5] * 4,
    )
    assert p.of_known_kind.tolist() == [False, False, True, True]


def test_patients_come_from_the_names():
    assert predictions().patients == ("IM-0001", 'a, "b" é', "virus-3")


HEADER = "file,label,subtype,logit,probability\n"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe\x00\x81", "cannot be read"),
        (b"", "expected the columns file, label"),
        (HEADER.encode(), "holds no predictions"),
        (b"file,label,logit,probability\na,NORMAL,1,0.5\n", "expected the columns"),
        (HEADER.encode() + b"a,NORMAL,none,much,0.5\n", "no number"),
        (HEADER.encode() + b"a,NORMAL\n", "no number"),
        (HEADER.strip().encode() + b",bacterial\na,NORMAL,none,1,0.5,perhaps\n", "no number"),
        (HEADER.strip().encode() + b",viral\na,NORMAL,none,1,0.5,0.5\n", "expected the columns"),
        (HEADER.encode() + b"a,HEALTHY,none,1,0.5\n", "received 'HEALTHY'"),
    ],
)
def test_invalid_files_are_refused(tmp_path, content, match):
    path = tmp_path / "predictions.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=match):
        read_predictions(path)


def test_unknown_label_is_refused():
    with pytest.raises(DataError, match="Expected the labels NORMAL and PNEUMONIA, received 'pneumonia'"):
        make_predictions(["a"], ["pneumonia"], ["none"], [0.0], [0.5])
