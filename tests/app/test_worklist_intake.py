"""The queue of the worklist: which of the chosen files are read, and how long that takes."""

import math

import pytest
from makers import dicom_bytes, ramp
from worklist_files import BRIGHT, DARK, LETTER, zipped

from pneumo.ui.worklist.intake import Intake, time_left


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def names(intake: Intake) -> list[str]:
    queued = []
    while intake.head:
        queued.append(intake.head.name)
        intake.done()
    return queued


def test_an_archive_takes_the_place_of_its_images():
    intake = Intake()
    intake.add([("a.png", BRIGHT), ("study.zip", zipped(**{"x/1": dicom_bytes(ramp()), "x/viewer.exe": b"MZ"})), ("b.txt", LETTER)])
    assert intake.progress == (0, 3)
    assert intake.skipped == 1
    assert names(intake) == ["a.png", "study.zip/x/1", "b.txt"]  # a chosen text gets a row; in an archive it is only counted


def test_from_a_folder_only_images_are_taken():
    intake = Intake()
    intake.add(
        [
            ("d/note.txt", LETTER),
            ("d/DICOMDIR", dicom_bytes(ramp())),
            ("d/1", dicom_bytes(ramp())),
            ("d/x.jpg", LETTER),
            ("d/more.zip", zipped(**{"bright.png": BRIGHT})),
        ],
        from_folder=True,
    )
    assert intake.skipped == 2
    assert names(intake) == ["d/1", "d/x.jpg", "d/more.zip/bright.png"]


def test_the_head_stays_until_it_is_done():
    intake = Intake()
    intake.add([("a", BRIGHT), ("b", DARK)])
    assert intake.head is intake.head
    intake.done()
    assert (intake.head.name, intake.progress) == ("b", (1, 2))


def test_time_left_follows_from_the_mean_so_far_and_pauses_hardly_count():
    clock = Clock()
    intake = Intake(clock)
    intake.add((str(n), BRIGHT) for n in range(4))
    assert math.isnan(intake.seconds_left)
    clock.now += 2
    intake.done()
    assert intake.seconds_left == pytest.approx(6)
    clock.now += 3600  # on another page meanwhile; counts as five seconds
    intake.done()
    assert intake.seconds_left == pytest.approx((2 + 5) / 2 * 2)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (math.nan, ""),
        (0.2, ", about 5 s left"),
        (11, ", about 15 s left"),
        (61, ", about 2 min left"),
        (600, ", about 10 min left"),
    ],
)
def test_time_left_in_words(seconds, said):
    assert time_left(seconds) == said


def test_cancelled_files_are_dropped_and_counted():
    intake = Intake()
    intake.add((str(n), BRIGHT) for n in range(5))
    intake.done()
    intake.cancel()
    assert (intake.head, intake.cancelled, intake.progress) == (None, 4, (1, 1))


def test_a_new_batch_resets_the_count_of_cancelled_files():
    intake = Intake()
    intake.add([("a", BRIGHT), ("b", DARK)])
    intake.cancel()
    intake.add([("a", BRIGHT)])
    assert (intake.cancelled, intake.progress) == (0, (0, 1))
