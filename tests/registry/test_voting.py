import pytest
from signed_models import sign
from tiny_model import make_registry
from tiny_reference import change_card

from pneumo.registry.voting import Voters, voters


@pytest.fixture
def root(tmp_path):
    """Three models of equal loss: `a` is the default, as the first of them."""
    root = tmp_path / "models"
    for model in ("a", "b", "c"):
        make_registry(root, model)
    return root


def test_the_default_model_votes_and_no_other_unsigned_one(root):
    assert voters(root) == Voters(("a",), ("b", "c"))


def test_a_signed_model_votes(root, monkeypatch):
    sign(monkeypatch, root, "c")
    assert voters(root) == Voters(("a", "c"), ("b",))


def test_the_default_changes_with_the_loss(root):
    change_card(root, "b", selection_loss=0.01)
    assert voters(root) == Voters(("b",), ("a", "c"))


def test_a_model_signed_by_an_unknown_key_does_not_vote(root, monkeypatch):
    sign(monkeypatch, root, "c")
    monkeypatch.setenv("PNEUMO_SIGNING_KEY", "/nowhere/site.key")
    assert voters(root) == Voters(("a",), ("b", "c"))


def test_a_model_whose_signature_does_not_match_does_not_vote(root, monkeypatch):
    sign(monkeypatch, root, "c")
    (root / "c" / "MANIFEST").write_bytes((root / "b" / "MANIFEST").read_bytes())
    assert voters(root) == Voters(("a",), ("b", "c"))


def test_the_answering_model_is_none_of_the_others(root, monkeypatch):
    sign(monkeypatch, root, "c")
    assert voters(root).others("a") == ("c",)
    assert voters(root).others("b") == ("a", "c")
    assert (voters(root).left_out_beside("a"), voters(root).left_out_beside("b")) == (1, 0)
