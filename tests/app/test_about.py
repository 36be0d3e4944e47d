import pytest
from opened_app import open_app
from tiny_model import make_registry


@pytest.fixture
def app(tmp_path, monkeypatch):
    root = make_registry(tmp_path / "models")
    (root / "ledger.csv").write_text(
        "date,commit,model,auc,accuracy,sensitivity,specificity,why\n2026-01-01,abc,tiny,0.9,0.9,0.9,0.9,first look\n"
    )
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    return open_app().switch_page("pages/about.py").run()


def test_card_figures_and_ledger_come_from_the_files(app):
    assert not app.exception
    text = " ".join(element.value for element in app.markdown)
    assert "Not a medical device" in text
    assert "0.900 (0.850-0.950)" in text
    assert app.dataframe[0].value["why"].tolist() == ["first look"]
