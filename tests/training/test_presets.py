import pytest

from pneumo.errors import ConfigError
from pneumo.nets import ARCHITECTURES
from pneumo.training.config import make_config
from pneumo.training.presets import PRESETS, QUICK, SEEDS, STANDARD, THOROUGH, architectures, is_transfer, preset, presets_of


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_presets_are_ordered_by_work(architecture):
    """By epochs times area, quick is a small part of standard and thorough is more; thorough has early stopping."""
    configs = [make_config(architecture, preset(name, architecture)) for name in (QUICK, STANDARD, THOROUGH)]
    quick, standard, thorough = (config.epochs * config.size**2 for config in configs)
    assert quick < 0.2 * standard < standard < thorough
    assert configs[1] == make_config(architecture, {})
    assert configs[2].patience > 0


def test_a_quick_look_trains_the_head_alone():
    quick = make_config("resnet50", preset("quick look", "resnet50"))
    assert quick.head_epochs == quick.epochs == 2
    assert quick.size == 96
    assert preset("quick look", "cnn") == {"epochs": 3, "size": 64}


def test_the_seeds_cnn_is_three_blocks_with_small_kernels():
    config = make_config("cnn", preset(SEEDS, "cnn"))
    assert (config.network.filters, config.network.kernel_size, config.network.dense) == ((32, 64, 128), 2, 512)
    assert config.size == 96
    assert {SEEDS} == set(PRESETS) - set(presets_of("resnet50"))
    assert presets_of("cnn") == tuple(PRESETS)
    with pytest.raises(ConfigError, match="'seeds' for resnet50; expected one of quick look, standard, thorough"):
        preset(SEEDS, "resnet50")


def test_names_for_the_page():
    assert architectures() == tuple(ARCHITECTURES)
    assert [name for name in architectures() if is_transfer(name)] == ["resnet50", "densenet169"]


def test_for_unknown_names_the_nearest_is_suggested():
    with pytest.raises(ConfigError, match=r"quick look, standard, thorough, seeds\. Did you mean thorough"):
        preset("thorogh", "cnn")
    with pytest.raises(ConfigError, match="Did you mean resnet50"):
        preset("standard", "resnet5")
