"""Deep linear predictions over a study: told for every setting, on its page, or left out with a reason."""

from dataclasses import replace

from experiments import theory
from experiments.pages import sweeppage as pages


def adam(setting):
    return replace(setting, recipe=replace(setting.recipe, optimizer="adam"))


def test_every_decayed_setting_has_a_row_with_its_decay_time(swept, setting, study, tmp_path, sketched):
    settings = (setting("none"), setting("some", 1e-2, epochs=30), adam(setting("adam", 1e-2)))
    results = swept(study(*settings, theory=True))
    beside, without = theory.linear_networks(theory.networks(results))
    assert list(beside) == ["some"]
    assert without == {"adam": "No prediction: the optimiser's weight decay is no L2 term of the loss."}
    told = theory.linear_table(beside, without)
    some, other = (dict(zip(told["columns"], row, strict=True)) for row in told["rows"])
    assert some["decay time"] == f"{settings[1].recipe.decay_time(80):.2g}"
    ratios = beside["some"].layers.weight_ratios
    assert some["W: measured / predicted"].endswith(f"[{float(ratios.min()):.3g}, {float(ratios.max()):.3g}]")
    assert other["note"] == without["adam"]
    assert set(list(other.values())[1:-1]) == {""}
    pages.write(results, [], tmp_path, progress=False)
    page = (tmp_path / "index.html").read_text()
    assert "beside a deep linear network" in page
    assert (tmp_path / "linear.png").is_file()


def test_without_a_prediction_there_is_no_table(swept, setting, study, tmp_path, sketched):
    results = swept(study(adam(setting("adam", 1e-2)), theory=True))
    assert theory.linear_table(*theory.linear_networks(theory.networks(results))) is None
    pages.write(results, [], tmp_path, progress=False)
    assert not (tmp_path / "linear.png").exists()
