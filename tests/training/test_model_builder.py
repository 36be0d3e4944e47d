import keras
import numpy as np
import pytest

from pneumo.errors import ConfigError
from pneumo.training.config import make_config
from pneumo.training.model_builder import build_network, build_trainer, compile_stage, network_of, stages

FRAME = {"lung_centred": "false", "margin": 16}  # finding lungs is slow
TINY = {**FRAME, "filters": "4,8", "dense": 8, "size": 48, "augmentation": 0.3}


def tiny(**changes):
    return make_config("cnn", {**TINY, **changes})


def test_stages_of_transfer_learning():
    config = make_config("resnet50", {"epochs": 5, "head_epochs": 2, "learning_rate": 1e-4, "head_learning_rate": 1e-3})
    assert list(stages(config)) == [(0, 2, 1e-3, True), (2, 5, 1e-4, False)]
    assert list(stages(tiny(epochs=4))) == [(0, 4, 5e-4, False)]
    assert list(stages(make_config("resnet50", {"epochs": 2, "head_epochs": 2}))) == [(0, 2, 1e-3, True)]


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop"])
def test_the_rate_warms_up_and_falls(optimizer):
    trainer = build_trainer(tiny(), build_network(tiny()))
    compile_stage(trainer, tiny(optimizer=optimizer), 0.01, frozen=False, steps=100)
    assert type(trainer.optimizer).__name__.lower() == optimizer
    rates = []
    for step in (0, 5, 100, 105):
        trainer.optimizer.iterations.assign(step)
        rates.append(float(trainer.optimizer.learning_rate))
    np.testing.assert_allclose(rates, [0.0005, 0.01, 0.000062, 0.0], atol=1e-4)


def test_the_trainer_is_augmentation_and_the_network():
    net = build_network(tiny())
    trainer = build_trainer(tiny(), net)
    assert network_of(trainer) is net
    x = np.random.default_rng(0).random((2, 48, 48, 1), np.float32)
    np.testing.assert_allclose(trainer(x, training=False), net(x), rtol=1e-6)  # no augmentation outside training
    assert np.abs(np.array(trainer(x, training=True)) - np.array(net(x))).max() > 0


def test_training_can_start_from_an_earlier_network(tmp_path, caplog):
    keras.utils.set_random_seed(1)
    earlier = build_network(tiny())
    earlier.save(tmp_path / "best.keras")
    with caplog.at_level("INFO"):
        net = build_network(tiny(subtype=True, initial_weights=str(tmp_path / "best.keras")))
    x = np.random.default_rng(0).random((2, 48, 48, 1), np.float32)
    np.testing.assert_allclose(net(x)[0], earlier(x), rtol=1e-6)
    assert "their own start: ['bacterial']" in caplog.text


def test_training_does_not_start_from_another_network(tmp_path):
    build_network(tiny(filters="3,5", dense=4)).save(tmp_path / "other.keras")
    with pytest.raises(ConfigError, match="another network"):
        build_network(tiny(initial_weights=str(tmp_path / "other.keras")))
    with pytest.raises(ConfigError, match="No earlier network"):
        build_network(tiny(initial_weights=str(tmp_path / "absent.keras")))
