import json
from pathlib import Path

import pytest

from pneumo.errors import ConfigError
from pneumo.nets import ARCHITECTURES
from pneumo.training.config import make_config


def test_json_round_trip():
    config = make_config("resnet50", {"dropout": "0.4", "learning-rate": "2e-4", "epochs": "3"})
    assert (config.network.dropout, config.learning_rate, config.epochs) == (0.4, 2e-4, 3)
    saved = json.loads(json.dumps(config.to_dict()))
    assert make_config("resnet50", saved) == config


def test_tuples_from_the_command_line():
    assert make_config("cnn", {"filters": "16,32"}).network.filters == (16, 32)


def test_defaults_of_the_architecture():
    assert make_config("cnn", {}).size == 128
    assert make_config("resnet50", {}).backbone_weights == "imagenet"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rat": 1}, "learning_rat.*Did you mean 'learning_rate'"),
        ({"trainable_from": "conv4"}, "Unknown setting 'trainable_from'"),  # resnet50's, not cnn's
        ({"learning_rate": "nan"}, "learning_rate"),
        ({"learning_rate": 10}, "above 0, at most 1"),
        ({"epochs": "many"}, "epochs is 'many'"),
        ({"epochs": 0}, "at least 1"),
        ({"head_epochs": 99}, "between 0 and epochs"),
        ({"optimizer": "adamm"}, "adam, adamw, rmsprop"),
        ({"balance": "class"}, "none, weights, replicate, classes"),
        ({"schedule": "step"}, "cosine, constant, plateau"),
        ({"patience": -1}, "0 .never stop early. or more"),
        ({"precision": "half"}, "auto, float32, mixed"),
        ({"subtype": "perhaps"}, "expected true or false"),
        ({"size": 8}, "32 to 512"),
        ({"balance": "style"}, "balance is style; expected none, weights, replicate, classes"),
        ({"hidden": 1.1}, "hidden is 1.1; expected 0 to 1"),
        ({"swapped": 0.4}, "swapped is 0.4; expected 0.0 or nothing, as this setting was removed"),
        ({"crop": 0}, "above 0, at most 1"),
        ({"margin": 16}, "0 where lung_centred is true"),
        ({"architecture": "resnet50"}, "is for 'resnet50'"),
    ],
)
def test_bad_settings_are_refused_by_name(settings, message):
    with pytest.raises(ConfigError, match=message):
        make_config("cnn", settings)


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [
        ("cnn", {}),
        ("cnn", {"filters": (8, 16), "subtype": True, "epochs": 2}),
        ("densenet169", {"trainable_from": "conv5", "seed": 3}),
    ],
)
def test_the_command_repeats_the_config(architecture, settings):
    config = make_config(architecture, settings)
    name, *words = config.command
    pairs = {key.removeprefix("--"): value for key, value in zip(words[::2], words[1::2], strict=True)}
    assert make_config(name, pairs) == config
    assert len(pairs) == len(settings)


@pytest.mark.parametrize("model", ["cnn", "resnet50"])
def test_the_settings_of_a_shipped_model_can_still_be_read(model):
    """Its card names every setting, so it does not depend on the present defaults."""
    stored = json.loads((Path(__file__).parents[2] / "models" / model / "card.json").read_text())["training"]
    made_then = {"device", "balance", "swapped"} if model == "cnn" else {"device"}  # the device is not a setting
    readable = {key: value for key, value in stored.items() if key not in made_then} | {"lung_centred": not stored["margin"]}
    told = json.loads(json.dumps(make_config(model, readable).to_dict()))
    assert {key: told[key] for key in readable} == readable
    assert {"filters", "kernel_size", "size"} <= set(stored) or model != "cnn"


def test_defaults_of_the_network_come_from_its_settings():
    for name, kind in ARCHITECTURES.items():
        config = make_config(name, {})
        assert config.network == kind.settings()
        assert config.spec == kind.spec


def test_a_removed_setting_is_accepted_if_it_had_no_effect():
    saved = make_config("cnn", {"hidden": 0.05}).to_dict()
    assert "swapped" not in saved
    assert make_config("cnn", {**saved, "swapped": 0.0}).to_dict() == saved
    assert make_config("cnn", {"hidden": "0.05", "swapped": "0"}).to_dict() == saved


def test_settings_are_read_without_keras():
    import subprocess
    import sys

    code = "import sys, pneumo.training.config, pneumo.training.runfolder; print({'keras', 'tensorflow'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"
