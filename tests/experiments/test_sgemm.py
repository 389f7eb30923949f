"""The study of run times: its cells, its claims, and its numbers on few epochs."""

import math

import pytest

from experiments import pages
from experiments.sgemm import Sgemm


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return {"samples": 40, "width": 8, "epochs": 2, "seeds": 1}


def test_networks_have_eight_layers_without_biases_and_the_signal_rank_is_given():
    study = Sgemm().study()
    assert study.name == "sgemm"
    assert [s.recipe.weight_decay for s in study.settings] == [0, 1e-3, 2e-3]
    assert {(s.network.hidden, s.network.bias) for s in study.settings} == {((128,) * 7, False)}
    assert {s.probe["rank"] for s in study.settings} == {1}
    assert {s.data.targets for s in study.settings} == {"standardise"}


def test_flags_reach_the_cells():
    study = Sgemm(file="own.csv", log=True, rank=2, lr=0.2, width=16, weight_decay=(0.1, 0.0), samples=50).study()
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
    last = Sgemm(full=True, file="own.csv").study().settings[-1]
    assert (last.network.hidden, last.recipe.epochs, last.data.samples) == ((512,) * 7, 200, None)
    assert (last.recipe.lr, last.recipe.weight_decay, len(Sgemm().study().settings)) == (0.005, 1e-3, 3)
    assert Sgemm(full=True).study().settings[-1].data.samples == 4000


def test_a_single_weight_decay_makes_no_claims_on_its_order():
    assert len(Sgemm().study().claims) - len(Sgemm(weight_decay=(1e-3,)).study().claims) == 3


@pytest.mark.usefixtures("anything_counts_as_learned")
def test_every_claim_gets_a_number_from_measured_times(swept, tiny):
    results = swept(Sgemm(**tiny).study())
    found = pages.verdicts(results)
    assert len(found) == 8
    assert not any(math.isnan(v.measured) for v in found[:5])
    assert found[0].measured < 1.2
    assert set(results.last("deep.noise_fraction")["rank"]) == {1}
    assert len(results.by_layer("deep.noise_fraction")) == 8
