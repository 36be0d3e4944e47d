import pytest

from pneumo import paths


def test_models_come_from_the_named_folder_else_the_working_folder_else_pneumo(tmp_path, monkeypatch):
    monkeypatch.delenv("PNEUMO_MODELS_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    assert paths.models_dir() == paths.SHIPPED_MODELS
    assert (paths.SHIPPED_MODELS / "resnet50" / "card.json").is_file()
    (tmp_path / "models").mkdir()
    assert paths.models_dir().resolve() == tmp_path / "models"
    monkeypatch.setenv("PNEUMO_MODELS_DIR", "elsewhere")
    assert str(paths.models_dir()) == "elsewhere"


@pytest.mark.parametrize(("where", "name"), [(paths.data_dir, "DATA"), (paths.runs_dir, "RUNS"), (paths.cache_dir, "CACHE")])
def test_each_folder_can_be_moved_by_the_environment(where, name, monkeypatch):
    monkeypatch.delenv(f"PNEUMO_{name}_DIR", raising=False)
    assert not where().is_absolute()
    monkeypatch.setenv(f"PNEUMO_{name}_DIR", "/elsewhere")
    assert str(where()) == "/elsewhere"
