import json

import pytest
from fake_runs import make_run

from pneumo.training.config import make_config
from pneumo.training.estimate import LUNGS, START_UP, estimate_seconds, images_an_epoch, in_words, preparation


@pytest.fixture
def speeds(tmp_path):
    path = tmp_path / "speeds.json"
    path.write_text(
        json.dumps(
            {
                "machine": "2 cores",
                "made": "2026-01-01",
                "images_per_second": {
                    "cnn": {"size": 96, "head": None, "tune": 400.0},
                    "resnet50": {"size": 192, "head": 40.0, "tune": 10.0},
                },
            }
        )
    )
    return path


def test_from_speeds_scaled_with_the_area(tmp_path, speeds):
    config = make_config("cnn", {"epochs": 5, "size": 192})  # four times the area
    estimate = estimate_seconds(config, 4000, tmp_path, speeds)
    assert estimate.seconds == pytest.approx(preparation(config, 4000) + 5 * 4000 / 100)
    assert "2 cores" in estimate.basis


def test_head_epochs_have_their_own_speed(tmp_path, speeds):
    config = make_config("resnet50", {"epochs": 3, "head_epochs": 1})
    assert estimate_seconds(config, 400, tmp_path, speeds).seconds == pytest.approx(preparation(config, 400) + 10 + 2 * 40)


def test_finding_the_lungs_counts_where_the_network_needs_them():
    """Train images once and validation images twice. It matters: in a quick look it took 115 s before the first batch."""
    assert preparation(make_config("cnn", {}), 4160) == pytest.approx(START_UP + 5200 / LUNGS)
    assert preparation(make_config("cnn", {"lung_centred": False}), 4160) == START_UP


def test_a_run_on_this_computer_is_preferred_to_stored_speeds(tmp_path, speeds):
    runs = tmp_path / "runs"
    make_run(runs, "mine", epochs=4, seconds=30.0)  # 60 images in its train part: 2 a second
    make_run(runs, "smaller", settings={"size": 64}, seconds=1.0, when=5)
    make_run(runs, "broken-off", "failed", seconds=1.0, when=6)
    make_run(runs, "other", architecture="cnn-dropout", seconds=1.0, when=7)
    config = make_config("cnn", {"epochs": 10})
    estimate = estimate_seconds(config, 600, runs, speeds)
    assert estimate.seconds == pytest.approx(preparation(config, 600) + 10 * 300)
    assert "mine" in estimate.basis


def test_a_run_of_the_head_alone_gives_no_speed_of_fine_tuning(tmp_path, speeds):
    runs = tmp_path / "runs"
    make_run(runs, "head", epochs=2, architecture="resnet50", settings={"epochs": 2, "head_epochs": 2}, seconds=30.0)
    config = make_config("resnet50", {"epochs": 3, "head_epochs": 3})
    head = estimate_seconds(config, 600, runs, speeds)
    both = estimate_seconds(make_config("resnet50", {"epochs": 3, "head_epochs": 1}), 600, runs, speeds)
    assert head.seconds == pytest.approx(preparation(config, 600) + 3 * 300)
    assert both.seconds == pytest.approx(preparation(config, 600) + 15 + 2 * 60)


def test_without_a_known_speed_there_is_no_estimate(tmp_path, speeds):
    assert estimate_seconds(make_config("densenet169", {}), 600, tmp_path, speeds) is None
    assert estimate_seconds(make_config("cnn", {}), 600, tmp_path, tmp_path / "absent.json") is None
    speeds.write_text("{")
    assert estimate_seconds(make_config("cnn", {}), 600, tmp_path, speeds) is None


def test_replication_fills_up_the_smaller_class():
    assert images_an_epoch(make_config("cnn", {"balance": "classes"}), 100, 300) == 400
    assert images_an_epoch(make_config("cnn", {"balance": "replicate"}), 100, 300) == 600


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (20, "less than a minute"),
        (50, "up to 2 minutes"),
        (1700, "about 20 to 40 minutes"),
        (8000, "about 1.5 to 4 hours"),
        (9e5, "more than a week"),
    ],
)
def test_ranges_in_words(seconds, words):
    assert in_words(seconds) == words
