"""Damaged, replaced or malicious model folders: each is refused by name and gives no answer.

The registry holds two tiny models; `tiny` is the better one and so the default. The changes are those that an accident or an
attacker could make on disk. Where a later check is tested, manifest and card are updated to match.
"""

import json

import pytest
from tampering import TAMPERED, WHITE

from pneumo.cli.main import main
from pneumo.errors import ModelError
from pneumo.inference.predictor import Predictor


@pytest.mark.parametrize("how", TAMPERED)
def test_tampered_models_are_refused_by_name(root, how, capsys):
    tamper, words = TAMPERED[how]
    assert Predictor.load("tiny").card.id == "tiny"
    tamper(root)
    with pytest.raises(ModelError, match=rf"(?s)(?=.*'tiny').*{words}"):
        Predictor.load("tiny")
    assert main(["models", "verify"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["other", "tiny", "lungs"]
    assert lines[0].startswith("other\tok")
    assert "'tiny'" in lines[1]
    assert not (root / "trace").exists()  # no pickle was run


@pytest.mark.parametrize("how", ["flipped graph", "another's card"])
def test_predict_reports_a_broken_default(root, how, tmp_path, capsys, caplog):
    TAMPERED[how][0](root)
    (tmp_path / "white.png").write_bytes(WHITE[1])
    code = main(["predict", str(tmp_path / "white.png"), "--format", "json"])
    captured = capsys.readouterr()
    if how == "flipped graph":  # by its card still the default: no other model takes its place
        assert (code, captured.out) == (1, "")
        assert "'tiny' does not verify" in captured.err
    else:
        assert json.loads(captured.out)["model"] == "other"
        assert "Model 'tiny': id is 'other'" in caplog.text
        assert "The default is now other" in caplog.text
    assert main(["predict", str(tmp_path / "white.png"), "--model", "tiny"]) == 1
    assert "'tiny'" in capsys.readouterr().err
