"""A site's steps on generated X-rays, with the gate and the shipped lung segmenter: plan, test, candidate, change, rollback."""

import json
from dataclasses import replace

import pytest
from phantom_sets import copy_set
from tiny_model import make_registry

from pneumo.cli.main import main
from pneumo.paths import SHIPPED_MODELS
from pneumo.registry.acts import read_acts
from pneumo.registry.models import default_model, read_card, write_card

pytestmark = [pytest.mark.skipif(not (SHIPPED_MODELS / "lungs").is_dir(), reason="no lung segmenter")]


@pytest.mark.slow
def test_from_plan_to_rollback(tmp_path, monkeypatch, capsys):
    root = make_registry(make_registry(tmp_path / "models", "old"), "new")
    write_card(replace(read_card("new", root), selection_loss=0.3), root / "new")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    monkeypatch.setenv("PNEUMO_SITE_DIR", str(tmp_path / "site"))
    copy_set(tmp_path / "set", patients=2)
    plan = str(tmp_path / "plan.json")
    words = ["--sick", "2", "--healthy", "2", "--least", "auc=0.99", "--decides", "nobody", "--output", plan]
    assert main(["site-plan", *words]) == 0
    assert main(["site-test", str(tmp_path / "set" / "train"), "--plan", plan]) == 1  # so few can never pass
    (result_file,) = (tmp_path / "site" / "tests").glob("*/result.json")
    result = json.loads(result_file.read_text())
    assert result["outcome"] in ("failed", "too few to say")
    assert result["gate"][0]["images"] > 3
    assert result["gate"][0]["refused"] == 0
    assert result["gate"][0]["warned"] == result["images"]  # each says that it is a phantom
    heights = [each["median"] for each in result["frame"]["spreads"] if each["measure"] == "lung_height"]
    assert all(0.4 < height < 0.95 for height in heights)
    assert result_file.with_name("report.pdf").is_file()
    assert main(["site-model", "candidate", "new"]) == 0
    capsys.readouterr()
    assert main(["site-model", "compare", "--cases", str(tmp_path / "set" / "train")]) == 0
    assert json.loads(capsys.readouterr().out)["auc"]["value"] == 0  # the same network twice
    assert main(["site-model", "activate", "new", "--why", "a rehearsal"]) == 0
    assert default_model() == "new"
    assert main(["site-model", "back", "--why", "a rehearsal"]) == 0
    assert default_model() == "old"
    assert [act.action for act in read_acts()] == ["plan", "test", "result", "candidate", "activate", "back"]
