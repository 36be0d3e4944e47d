"""The audit of a set with planted faults names each of them; JSON and the report are complete."""

import dataclasses
import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from pneumo.data.audit import Audit, audit_dataset, audit_from_dict, audit_to_dict
from pneumo.data.audit_report import audit_markdown
from pneumo.data.file_facts import Unreadable, cells, survey, tone
from pneumo.data.lung_masks import LungSource
from pneumo.data.records import Record, scan
from pneumo.data.separation import Estimate, Shortcut
from pneumo.errors import DataError
from pneumo.synthetic.phantom import write_set

TWIN = ("train/NORMAL/IM-0001-0001.png", "test/NORMAL/IM-0099-0001.png")
NEAR = ("train/PNEUMONIA/person2_virus_1.png", "train/NORMAL/IM-0002-0002.jpeg")
SHARED = "test/PNEUMONIA/person1_bacteria_9.png"
BROKEN = "val/NORMAL/IM-0555-0001.jpeg"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Phantoms of 5 patients a subtype in train, 1 in val, 2 in test, and four planted faults."""
    root = tmp_path_factory.mktemp("audit") / "set"
    write_set(root, 5, seed=2)
    shutil.copy(root / TWIN[0], root / TWIN[1])
    Image.open(root / NEAR[0]).save(root / NEAR[1], quality=60)  # the same picture, labelled otherwise
    child = np.asarray(Image.open(root / "train/PNEUMONIA/person1_bacteria_1.png"))
    Image.fromarray(child[::-1]).save(root / SHARED)  # upside down: not a near duplicate, but the patient is in both splits
    (root / BROKEN).write_bytes(b"GIF89a")
    return root


def drawn(record, image):
    """Lungs that fill the frame of the sick and leave space above in the healthy; one image has none."""
    assert (image.shape, image.dtype) == ((224, 224), np.uint8)
    mask = np.zeros((224, 224), bool)
    mask[28 if record.label == "PNEUMONIA" else 56 : 196, 28:196] = True
    return None if record.path == NEAR[0] else mask


@pytest.fixture(scope="module")
def audit(root) -> Audit:
    return audit_dataset(root, lungs=LungSource("the test", drawn))


def test_counts_and_balance(audit):
    images = {(c.split, c.label, c.subtype): (c.images, c.patients) for c in audit.counts}
    assert images == {  # every third patient has two images: 3 in train, 6 in val
        ("train", "NORMAL", "none"): (7, 5),
        ("train", "PNEUMONIA", "bacterial"): (6, 5),
        ("train", "PNEUMONIA", "viral"): (6, 5),
        ("val", "NORMAL", "none"): (3, 2),
        ("val", "PNEUMONIA", "bacterial"): (2, 1),
        ("val", "PNEUMONIA", "viral"): (2, 1),
        ("test", "NORMAL", "none"): (3, 3),
        ("test", "PNEUMONIA", "bacterial"): (3, 3),
        ("test", "PNEUMONIA", "viral"): (2, 2),
    }
    assert (audit.images, audit.patients) == (34, 26)
    assert {b.split: b.ratio for b in audit.balance} == {"train": 12 / 7, "val": 4 / 3, "test": 5 / 3}


def test_planted_faults_are_named(audit):
    assert [group.paths for group in audit.identical] == [TWIN]
    twin = audit.identical[0]
    assert (twin.same_bytes, twin.same_label, twin.same_split, twin.same_patient) == (True, True, False, False)
    near = {frozenset(pair.paths): pair for pair in audit.near}
    assert near[frozenset(TWIN)].same_bytes
    planted = near[frozenset(NEAR)]
    assert planted.correlation > 0.995
    assert (planted.same_bytes, planted.same_label, planted.same_split, planted.same_patient) == (False, False, True, False)
    assert not any(SHARED in pair.paths for pair in audit.near)
    assert audit.patients_in_several_splits == ("bacteria-1",)
    assert [u.path for u in audit.unreadable] == [BROKEN]
    assert "GIF" in audit.unreadable[0].reason


def test_spreads_are_percentiles_of_the_readable_files(audit, root):
    files = sorted((root / "test/NORMAL").iterdir())
    widths = [Image.open(path).width for path in files]
    spread = {s.quantity: s for s in audit.spreads if (s.split, s.label) == ("test", "NORMAL")}
    assert len(spread) == 7
    assert [spread["width"].low, spread["width"].median, spread["width"].high] == pytest.approx(np.percentile(widths, (5, 50, 95)))
    assert spread["size_bytes"].median == np.median([path.stat().st_size for path in files])
    assert spread["brightness"].low < spread["brightness"].median < spread["brightness"].high < 255
    assert len(audit.spreads) == 6 * 7


def test_the_frame_is_measured_on_the_given_lungs(audit):
    assert audit.frame.lungs == "the test"
    medians = {(s.split, s.label): s.median for s in audit.frame.spreads if s.quantity == "height of the lungs"}
    assert medians == {
        ("train", "NORMAL"): 0.625,
        ("train", "PNEUMONIA"): 0.75,
        ("test", "NORMAL"): 0.625,
        ("test", "PNEUMONIA"): 0.75,
    }
    height = audit.frame.hints[0]
    assert height.train.value == height.test.value == 1
    left_out = {(count.split, count.label): count.without_lungs for count in audit.frame.counts}
    assert left_out == {("train", "NORMAL"): 0, ("train", "PNEUMONIA"): 1, ("test", "NORMAL"): 0, ("test", "PNEUMONIA"): 0}
    text = audit_markdown(audit)
    assert (
        "| height of the lungs | more | 0.625 | 0.750 | 0.625 | 0.750 | 1.000 (1.000 to 1.000) | 1.000 (1.000 to 1.000) |" in text
    )
    assert "| no plausible lungs | 0 of 7 | 1 of 12 | 0 of 3 | 0 of 5 |" in text


def test_without_lungs_the_report_says_so(audit):
    alone = dataclasses.replace(audit, frame=None)
    assert audit_from_dict(json.loads(json.dumps(audit_to_dict(alone)))).frame is None
    assert "No lungs were looked for" in audit_markdown(alone)


def test_tone_and_cells_of_a_known_picture():
    image = np.zeros((224, 224), np.uint8)
    image[1::2] = 10  # every vertical neighbour differs by 10
    assert tone(image) == (5, 5, 10)
    image[:] = 0
    image[8:16, 216:] = 64
    coarse = cells(image[np.newaxis])
    assert coarse.shape == (1, 28, 28)
    assert coarse[0, 1, 27] == 64
    assert coarse.sum() == 64


def test_shortcuts_are_those_of_the_set(audit):
    shortcuts = {s.name: s for s in audit.shortcuts}
    assert len(shortcuts) == 7
    assert 0 <= shortcuts["border only"].train.low <= shortcuts["border only"].train.value <= 1
    assert shortcuts["image size"].note == ""  # phantoms are of many sizes


def test_progress_is_reported_and_can_stop(root):
    told = []
    seen = survey(root, scan(root), lambda done, total: told.append((done, total)))
    assert told == [(done, 34) for done in range(1, 35)]
    assert len(seen.records) == len(seen.facts) == len(seen.cells) == len(seen.thumbnails) == 33

    def stop(done, total):
        if done == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        survey(root, scan(root), stop)


def test_a_survey_without_readable_files(tmp_path):
    seen = survey(tmp_path, [Record("gone.png", "NORMAL", "none", "gone", "train")])
    assert seen.unreadable == (Unreadable("gone.png", "The file cannot be opened: No such file or directory."),)
    assert (seen.thumbnails.shape[0], seen.cells.shape) == (0, (0, 28, 28))
    folder = tmp_path / "set/train/NORMAL"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(b"")
    empty = audit_dataset(tmp_path / "set")
    assert (empty.images, empty.spreads, empty.near, len(empty.unreadable)) == (1, (), (), 1)
    assert empty.balance[0].ratio == 0
    assert "a.png" in audit_markdown(empty)


def test_json_round_trip_loses_nothing(audit):
    undefined = Shortcut("image size", "...", Estimate(*[float("nan")] * 3), Estimate(0.5, 0.4, 0.6), "why")
    extended = dataclasses.replace(audit, shortcuts=(*audit.shortcuts, undefined))
    text = json.dumps(audit_to_dict(extended), allow_nan=False)
    again = audit_from_dict(json.loads(text))
    assert (again.near, again.counts, again.spreads) == (audit.near, audit.counts, audit.spreads)
    assert again.shortcuts[:-1] == audit.shortcuts
    assert again.frame.counts == audit.frame.counts
    assert json.dumps(audit_to_dict(again), allow_nan=False) == text
    assert repr(audit_from_dict(dataclasses.asdict(extended))) == repr(extended)
    assert "undefined" in audit_markdown(again)


def test_other_values_are_refused(audit):
    values = dataclasses.asdict(audit)
    with pytest.raises(DataError, match="colour"):
        audit_from_dict({**values, "colour": 1})
    with pytest.raises(DataError, match="missing"):
        audit_from_dict({"images": 3})
    with pytest.raises(DataError, match="no stored audit: 'hints'"):
        audit_from_dict({**values, "frame": {"lungs": "", "counts": [], "spreads": []}})
    with pytest.raises(DataError, match="shade"):
        audit_from_dict({**values, "counts": [{"shade": 1}]})


def test_the_report_holds_the_numbers(audit):
    text = audit_markdown(audit)
    assert "| train | NORMAL | none | 7 | 5 |" in text
    assert "train 1.71, val 1.33, test 1.67" in text
    assert "| groups of identical files | 1 | 1 | 0 | 1 |" in text
    assert f"- `{TWIN[0]}`, `{TWIN[1]}`: 1.000" in text or f"- `{TWIN[1]}`, `{TWIN[0]}`: 1.000" in text
    assert "by file name: 1." in text
    assert "- bacteria-1" in text
    assert f"- `{BROKEN}`: This is a GIF" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    heads = [i for i, line in enumerate(tables) if line.startswith("| ---")]
    assert len(heads) == 6
    for start, stop in zip(heads, [*(i - 1 for i in heads[1:]), len(tables)], strict=True):
        assert len({line.count("|") for line in tables[start - 1 : stop]}) == 1  # every row as wide as its head
    assert "{" not in text


def test_the_report_shortens_long_lists(audit):
    many = dataclasses.replace(audit, patients_in_several_splits=tuple(f"virus-{i}" for i in range(25)))
    text = audit_markdown(many)
    assert "by file name: 25." in text
    assert "virus-19" in text
    assert "virus-20" not in text
    assert "- and 5 more" in text


def test_a_missing_folder():
    with pytest.raises(DataError, match="No data folder"):
        audit_dataset("no/such/folder")


def test_a_picture_too_small_is_unreadable_with_the_reason_serving_gives(tmp_path):
    buffer = io.BytesIO()
    Image.new("L", (20, 20)).save(buffer, "PNG")
    (tmp_path / "small.png").write_bytes(buffer.getvalue())
    seen = survey(tmp_path, [Record("small.png", "NORMAL", "none", "small", "train")])
    assert "20 x 20 pixels" in seen.unreadable[0].reason
