"""A site profile: kept, verified, put to use, named on every answer, left; and refused where it does not belong."""

import csv
import io
import json
from dataclasses import replace

import pytest
from grey_sites import grey_picture, write_site
from site_profiles import profile_for
from tiny_model import cuts_at, make_registry

from pneumo.cli.main import main
from pneumo.errors import ConfigError, DataError, ModelError
from pneumo.inference.predictor import Predictor
from pneumo.registry.acts import read_acts
from pneumo.registry.models import read_card, write_card
from pneumo.site.profile import by_profile, leave_profile, metrics_beside, profiles_dir, read_profile, use_profile, write_profile

pytestmark = pytest.mark.usefixtures("ungated")


@pytest.fixture(autouse=True)
def site(tmp_path, monkeypatch):
    root = make_registry(make_registry(tmp_path / "models"), "other")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    monkeypatch.setenv("PNEUMO_SITE_DIR", str(tmp_path / "acts"))
    return tmp_path


def test_a_profile_is_read_as_it_was_written_and_is_never_replaced(site):
    profile = profile_for("tiny")
    write_profile(profile)
    assert read_profile("winter") == profile
    with pytest.raises(DataError, match="already"):
        write_profile(profile)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"bias": -1.0', '"bias": -1.5', "was changed after it was made"),
        ('"bias": -1.0', '"bias": NaN', "damaged"),
        ('"version": 1', '"version": 2', "damaged"),
        ('"cuts"', '"cut"', "damaged"),
        ("{", "", "damaged"),
    ],
)
def test_a_profile_that_was_changed_or_damaged_is_refused(site, old, new, said):
    path = write_profile(profile_for("tiny"))
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataError, match=said):
        read_profile("winter")


def test_missing_profiles_and_invalid_names(site):
    with pytest.raises(DataError, match="those there: none"):
        read_profile("winter")
    for name in ("../x", "", "Winter", "a" * 41):
        with pytest.raises(ConfigError, match="small letters"):
            read_profile(name)


def test_one_in_use_changes_the_calibration_and_is_named_on_every_answer(site):
    write_profile(profile_for("tiny"))
    plain = Predictor.load("tiny")
    assert by_profile(plain) is plain
    use_profile("winter", "we saw that it fits", "me")
    by = by_profile(Predictor.load("tiny"))
    assert (by.card.calibration.bias, by.card.cuts["rule-in"]) == (-1.0, 4.0)
    assert plain.card.calibration.bias == 0
    assert metrics_beside(by) == {"test": {"n": 61}}
    assert metrics_beside(plain)["test"]["n"] == 10
    assert by_profile(Predictor.load("other")).profile is None
    assert leave_profile("enough", "me") == "winter"
    assert by_profile(plain).profile is None
    assert [act.action for act in read_acts()] == ["use profile", "leave profile"]
    with pytest.raises(ConfigError, match="No site profile is in use"):
        leave_profile("", "me")


def test_a_profile_of_another_model_or_another_state_of_it_is_refused(site):
    write_profile(profile_for("tiny", "0" * 64))
    with pytest.raises(ModelError, match="it does not fit"):
        use_profile("winter", "", "me")
    assert read_acts() == ()
    write_profile(replace(profile_for("tiny"), name="spring"))
    use_profile("spring", "", "me")
    write_card(replace(read_card("tiny"), cuts=cuts_at(balanced=0.5, rule_out=0.2, rule_in=0.9)), site / "models" / "tiny")
    with pytest.raises(ModelError, match="it does not fit"):
        by_profile(Predictor.load("tiny"))


def test_a_profile_replaced_while_in_use_gives_no_answer(site):
    path = write_profile(profile_for("tiny"))
    use_profile("winter", "", "me")
    path.unlink()
    with pytest.raises(DataError, match="No site profile"):
        by_profile(Predictor.load("tiny"))
    write_profile(replace(profile_for("tiny"), site="elsewhere"))
    with pytest.raises(ModelError, match="not the one that was put to use"):
        by_profile(Predictor.load("tiny"))


def test_predict_names_it_in_every_format_and_one_flag_leaves_it(site, capsys):
    write_profile(profile_for("tiny"))
    use_profile("winter", "", "me")
    picture = site / "grey.png"
    picture.write_bytes(grey_picture(150))  # logit 1.765: log ratio .882 by the model, .765 by the profile
    ask = ["predict", str(picture), "--model", "tiny", "--format"]
    assert main([*ask, "json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["likelihood_ratio"] == pytest.approx(2.148, abs=0.01)
    assert row["prevalence"] == 0.25
    assert row["site_profile"].startswith("winter ")
    assert any("site profile winter" in warning for warning in row["warnings"])
    main([*ask, "csv"])
    assert next(csv.DictReader(io.StringIO(capsys.readouterr().out)))["site_profile"] == row["site_profile"]
    main([*ask, "table"])
    assert "site profile winter" in capsys.readouterr().out
    main([*ask, "json", "--no-site-profile"])
    plain = json.loads(capsys.readouterr().out)
    assert (plain["site_profile"], plain["warnings"], plain["prevalence"]) == (None, [], 0.5)
    assert plain["likelihood_ratio"] == pytest.approx(2.417, abs=0.01)
    main([*ask, "json", "--prevalence", "0.4"])
    assert json.loads(capsys.readouterr().out)["prevalence"] == 0.4


@pytest.mark.slow
def test_the_commands_from_fit_to_leave(site, capsys):
    greys = [100 + 2 * n for n in range(64)], [40 + 2 * n for n in range(64)]  # they overlap from 100 to 166
    path = write_site(site / "cases", *greys)
    assert main(["site-fit", str(path), "--model", "tiny", "--name", "winter", "--consecutive"]) == 0
    out = capsys.readouterr().out
    assert '"prevalence": 0.5' in out
    assert main(["site-profile", "use", "winter"]) == 0
    assert main(["site-profile", "list"]) == 0
    assert "winter\ttiny\tin use" in capsys.readouterr().out
    assert main(["site-profile", "show", "winter"]) == 0
    assert json.loads(capsys.readouterr().out)["judged_on"]["images"] == 64
    assert main(["site-profile", "leave"]) == 0
    assert main(["site-fit", str(path), "--model", "tiny", "--name", "Winter"]) == 2
    assert [act.action for act in read_acts()] == ["fit", "use profile", "leave profile"]
    assert [path.name for path in profiles_dir().iterdir()] == ["winter.json"]
