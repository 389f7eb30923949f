"""The study of run times: its cells, its claims, and its numbers on few epochs."""

import math
from dataclasses import replace

import pytest

from deepnrc.table import published_curve
from experiments.studies.sgemm import Sgemm


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return {"samples": 40, "width": 8, "epochs": 2, "seeds": 1}


def test_networks_have_eight_layers_without_biases_and_the_signal_rank_is_given():
    study = Sgemm().inquiry().study
    assert study.name == "sgemm"
    assert [s.recipe.weight_decay for s in study.settings] == [0, 1e-3, 2e-3] * 2
    assert {(s.network.hidden, s.network.bias) for s in study.settings} == {((128,) * 7, False)}
    assert {s.probe["rank"] for s in study.settings} == {1}
    assert [s.data.targets for s in study.settings] == ["standardise"] * 3 + ["positive"] * 3
    assert [s.facts["targets"] for s in study.settings] == ["standardised"] * 3 + ["positive"] * 3


@pytest.mark.parametrize(("form", "beside"), [("standardised", 2), ("positive", 0)])
def test_one_form_can_be_asked_for(form, beside):
    inquiry = Sgemm(form=form).inquiry()
    assert {s.facts["targets"] for s in inquiry.study.settings} == {form}
    assert len(inquiry.study.beside) == beside
    assert (len(Sgemm().inquiry().claims) - 1) == 2 * (len(inquiry.claims) - 1)


def test_the_published_form_alone_is_held_against_published_curves():
    claims = Sgemm().inquiry().claims
    held = {claim.where.get("targets") for claim in claims if claim.published is not None}
    assert held == {"standardised"}
    noise = claims[1]
    assert noise.published == published_curve("deep.noise_fraction", ("sgemm, one direction", "wd 1e-3")).values[8]
    assert "does not hold" in noise.against(0.5).told_published
    assert sum("on the strongest target direction alone" in claim.statement for claim in claims) == 4


def test_flags_reach_the_cells():
    flags = {"log": True, "rank": 2, "lr": 0.2, "width": 16, "weight_decay": (0.1, 0.0), "samples": 50}
    study = Sgemm(file="own.csv", **flags).inquiry().study
    last = study.settings[-1]
    assert (last.data.file, last.data.log, last.data.samples) == ("own.csv", True, 50)
    assert (last.probe, last.network.hidden, last.recipe.lr, last.recipe.weight_decay) == (
        {"rank": 2},
        (16,) * 7,
        0.2,
        0.1,
    )
    assert "UCI" in study.about
    assert "k = 2" in study.about


def test_full_is_the_published_size():
    last = Sgemm(full=True, file="own.csv").inquiry().study.settings[-1]
    assert (last.network.hidden, last.recipe.epochs, last.data.samples) == ((512,) * 7, 200, None)
    assert (last.recipe.lr, last.recipe.weight_decay, len(Sgemm().inquiry().study.settings)) == (0.005, 1e-3, 6)
    assert Sgemm(full=True).inquiry().study.settings[-1].data.samples == 4000


def test_a_single_weight_decay_makes_no_claims_on_its_order():
    assert len(Sgemm().inquiry().claims) - len(Sgemm(weight_decay=(1e-3,)).inquiry().claims) == 12


def test_the_fastest_of_three_is_what_was_timed_here():
    assert "four runs of each, each the fastest of three; inputs" in Sgemm().inquiry().study.about
    assert "four runs of each; inputs" in Sgemm(file="own.csv").inquiry().study.about


@pytest.mark.parametrize(("shares", "measurable"), [([0.6], True), ([0.4], False)])
def test_what_is_left_beside_the_direction_is_judged_once_that_is_learned(made, shares, measurable):
    results = made({"a": {0: {"deep.noise_fraction": [0.1, 0.005], "deep.target_stable_rank": {-1: 1.1}}}})
    results = replace(results, records=tuple(r | {"explained": shares} for r in results.records))
    targets, noise = Sgemm().inquiry().claims[:2]
    noise = replace(noise, where={})
    assert (targets.measured(results), targets.source) == (1.1, "ours: a property of the data")
    assert noise.measured(results) == pytest.approx(0.005 if measurable else math.nan, nan_ok=True)


@pytest.mark.usefixtures("anything_counts_as_learned")
def test_every_claim_gets_a_number_from_measured_times(swept, tiny):
    inquiry = Sgemm(**tiny).inquiry()
    results = swept(inquiry.study)
    found = inquiry.verdicts(results)
    assert len(found) == 21
    assert not any(math.isnan(v.measured) for v in [*found[:8], *found[11:18]])
    assert found[0].measured < 1.2
    assert set(results.last("deep.noise_fraction")["rank"]) == {1}
    assert len(results.by_layer("deep.noise_fraction")) == 8


def test_the_most_decayed_networks_stand_beside_both_published_readings():
    study = Sgemm().inquiry().study
    assert [beside.label for beside in study.beside] == [study.settings[2].label] * 2
    assert [published_curve("deep.noise_fraction", beside.published).k for beside in study.beside] == [1, 4]
    assert all("of this machine and not the authors'" in beside.words for beside in study.beside)
