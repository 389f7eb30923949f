"""The synthetic study: its cells, its claims, and that its flags reach them."""

import math
from dataclasses import replace

import pytest
import torch

from deepnrc.errors import UsageError
from deepnrc.table import published_curves
from experiments.studies.synthetic import Synthetic

SMALL = {"epochs": 3, "samples": 100, "depth": 3, "width": 8, "seeds": 1, "jobs": 1, "progress": False}


def test_an_untrained_network_stands_beside_every_weight_decay():
    study = Synthetic(weight_decay=(5e-3, 0.0)).inquiry().study
    assert [s.label for s in study.settings] == ["untrained", "weight decay 0", "weight decay 0.005"]
    assert [s.recipe.epochs for s in study.settings] == [0, 300, 300]
    assert [s.recipe.weight_decay for s in study.settings] == [0, 0, 5e-3]
    assert study.seeds == (0, 1, 2)


def test_flags_reach_the_cells():
    study = (
        Synthetic(
            rank=3,
            target_dim=7,
            input_dim=9,
            samples=50,
            depth=2,
            width=6,
            lr=0.2,
            epochs=4,
            teacher="linear",
            noise=0.1,
        )
        .inquiry()
        .study
    )
    last = study.settings[-1]
    assert (last.data.rank, last.data.target_dim, last.data.input_dim, last.data.samples) == (3, 7, 9, 50)
    assert (last.data.teacher, last.data.noise) == ("linear", 0.1)
    assert (last.network.hidden, last.recipe.lr, last.recipe.epochs) == ((6, 6), 0.2, 4)
    assert last.probe == {"rank": 3}
    assert "rank 3 in R^7" in study.about


def test_full_is_the_published_size():
    last = Synthetic(full=True).inquiry().study.settings[-1]
    assert last.network.hidden == (1024,) * 9  # and the last layer: ten
    assert len(last.data.load(0).x) == 10_000


def test_a_given_size_overrides_the_published_one():
    assert Synthetic(full=True, width=16).inquiry().study.settings[-1].network.hidden == (16,) * 9


@pytest.mark.parametrize("name", ["depth", "width", "samples"])
def test_zero_is_no_default(name):
    with pytest.raises(ValueError, match="at least 1"):
        Synthetic(**{name: 0}).inquiry()


def test_no_weight_decay_is_refused():
    with pytest.raises(ValueError, match="--weight-decay needs at least one value"):
        Synthetic(weight_decay=()).inquiry()


def test_a_single_weight_decay_makes_no_claims():
    assert Synthetic(weight_decay=(1e-3,)).inquiry().claims == ()


@pytest.mark.parametrize(("shares", "measured"), [([0.9, 0.6], 0.97), ([0.9, 0.1], math.nan)])
def test_directions_of_high_variance_are_judged_once_every_direction_is_learned(made, shares, measured):
    results = made({"a": {0: {"deep.feature_side_alignment": [0.1, 0.97]}}})
    results = replace(results, records=tuple(r | {"explained": shares} for r in results.records))
    assert Synthetic().inquiry().claims[-1].measured(results) == pytest.approx(measured, nan_ok=True)


@pytest.mark.parametrize(
    ("flags", "words"),
    [({"sweep": "rank", "rank": 3}, "--rank 3 says nothing beside --sweep rank: leave it out"),
     ({"sweep": "rank", "rank": 2}, "--rank 2 says nothing"),
     ({"sweep": "depth", "depth": 7}, "--depth 7 says nothing"), ({"sweep": "width", "width": 7}, "--width 7 says"),
     ({"sweep": "noise", "noise": 0.3}, "--noise 0.3 says nothing beside --sweep noise.*with --values"),
     ({"sweep": "noise", "noise": 0.0}, "--noise 0 says nothing"),
     ({"spectrum": (3.0, 2.0, 1.0)}, "has 3 eigenvalues, and targets of rank 2 have 2: leave some out"),
     ({"spectrum": (1.0, 0.49), "rank": 1}, "has 2 eigenvalues, and targets of rank 1"),
     ({"spectrum": (1.0,) * 4, "sweep": "rank", "values": (3.0, 1.0)}, "has 4 eigenvalues, and targets of rank 3"),
     ({"spectrum": (1.0, 0.49), "teacher": "linear"}, "'linear' has a spectrum of its own: leave out --spectrum"),
     ({"spectrum": (1.0, 0.49), "teacher": "network"}, "'network' has a spectrum of its own"),
     ({"values": (1.0,)}, "--values goes with --sweep")],
)  # fmt: skip
def test_a_flag_that_would_change_nothing_is_refused(flags, words):
    with pytest.raises(UsageError, match=words):
        Synthetic(**flags).inquiry()


def test_other_flags_stand_beside_a_sweep():
    for flags in ({"sweep": "depth", "width": 7, "rank": 3}, {"sweep": "rank", "spectrum": (1.0,) * 10}):
        assert Synthetic(**flags).inquiry().study.name == f"synthetic-{flags['sweep']}"
    ranks = Synthetic(sweep="rank", spectrum=(3.0, 2.0), values=(1.0, 2.0)).inquiry().study.settings
    assert [(s.data.rank, s.data.spectrum, s.probe["rank"]) for s in ranks] == [(1, (3.0, 2.0), 1), (2, (3.0, 2.0), 2)]


def test_what_is_not_given_is_as_the_help_says():
    for teacher in ("spectrum", "linear"):
        data = Synthetic(teacher=teacher).inquiry().study.settings[-1].data
        assert (data.rank, data.spectrum, data.noise) == (2, (1.0, 0.49), 0.0)
    assert "targets have rank 2 in R^10" in Synthetic().inquiry().study.about


@pytest.mark.usefixtures("anything_counts_as_learned")
def test_every_claim_gets_a_number_and_the_trap_is_said(swept):
    inquiry = Synthetic(**SMALL).inquiry()
    study = inquiry.study
    results = swept(study)
    found = inquiry.verdicts(results)
    assert len(found) == 10
    assert not any(math.isnan(v.measured) for v in found[:6])
    assert "for any features, trained or not" in study.about
    untrained = results.last("deep.feature_target_alignment").query("setting == 'untrained' and depth > 0")
    assert untrained["value"].tolist() == pytest.approx([1] * len(untrained), abs=1e-6)


def test_a_shallow_network_is_not_judged_by_inner_layers_it_lacks(swept):
    inquiry = Synthetic(**SMALL | {"depth": 1}).inquiry()
    found = inquiry.verdicts(swept(inquiry.study))
    assert [v.answer for v in found[:6]] == ["cannot be judged"] * 6


@pytest.mark.parametrize(
    ("flags", "network"),
    [({}, (False, True, None)), ({"head": "linear"}, (False, False, None)), ({"bias": "yes"}, (True, True, None)),
     ({"norm": "layer", "head": "relu", "bias": "no"}, (False, True, "layer"))],
)  # fmt: skip
def test_head_biases_and_norm_are_flags(flags, network):
    networks = {setting.network for setting in Synthetic(**flags).inquiry().study.settings}
    (found,) = {(network.bias, network.last_relu, network.norm) for network in networks}
    assert found == network


def test_the_published_setting_stands_beside_the_published_curves():
    study = Synthetic(preset="published").inquiry().study
    untrained, trained = study.settings
    assert untrained.recipe.epochs == 0
    assert (trained.network.hidden, trained.network.gain, trained.network.bias) == ((256,) * 9, 1.6, False)
    assert (trained.probe, trained.recipe.weight_decay) == ({"rank": 3}, 1.5e-3)
    (beside,) = study.beside
    assert (beside.label, beside.published) == (trained.label, ("synthetic, rank 2 in R^10", "good"))
    assert beside.again == (2,)
    curves = [curve for curve in published_curves() if (curve.study, curve.series) == beside.published]
    assert {curve.layers for curve in curves} == {len(trained.network.hidden) + 1}
    ranks = [float(s.square().sum() / s.max().square()) for s in map(spectrum, (trained.data.load(0).y,))]
    assert ranks == pytest.approx([1.49], abs=0.03)


def test_the_published_size_of_the_published_setting_has_none_beside():
    study = Synthetic(preset="published", full=True).inquiry().study
    assert [beside.published[1] for beside in study.beside] == ["zero", "good"]
    assert study.settings[-1].network.hidden == (1024,) * 9


@pytest.mark.parametrize("flag", [{"sweep": "rank"}, {"teacher": "linear"}, {"rank": 3}, {"noise": 0.1}])
def test_flags_of_the_data_are_refused_beside_the_published_setting(flag):
    with pytest.raises(UsageError, match=f"--preset published settles the data: leave out --{next(iter(flag))}"):
        Synthetic(preset="published", **flag).inquiry()


def test_the_gain_reaches_the_networks():
    assert Synthetic(init_gain=2.0).inquiry().study.settings[-1].network.gain == 2
    assert Synthetic().inquiry().study.settings[-1].network.gain == 1
    assert Synthetic(preset="published", init_gain=1.0).inquiry().study.settings[-1].network.gain == 1


def spectrum(y):
    """Eigenvalues of the covariance of targets (N, n)."""
    centred = y.double() - y.double().mean(0)
    return torch.linalg.eigvalsh(centred.T @ centred / len(y))


def test_ranks_from_1_to_10_are_learned_with_biases_and_a_linear_head():
    study = Synthetic(sweep="rank").inquiry().study
    assert [setting.data.rank for setting in study.settings] == list(range(1, 11))
    assert {(s.network.bias, s.network.last_relu, s.recipe.weight_decay) for s in study.settings} == {
        (True, False, 2e-3)
    }
    assert "biases and no ReLU before the last layer" in study.about


def test_deep_networks_start_from_larger_weights():
    study = Synthetic(sweep="depth").inquiry().study
    assert {setting.network.gain for setting in study.settings} == {1.6}
    assert "1.6 times torch's" in study.about
    layers = {setting.label: len(setting.network.hidden) + 1 for setting in study.settings}
    decays = {setting.label: setting.recipe.weight_decay for setting in study.settings}
    assert len({round(layers[label] * decay, 9) for label, decay in decays.items()}) == 1
    assert study.theory
    given = Synthetic(sweep="depth", weight_decay=(6e-3,), values=(2, 5)).inquiry().study
    assert [setting.recipe.weight_decay for setting in given.settings] == pytest.approx([12e-3, 6e-3])
    assert {setting.network.gain for setting in Synthetic(sweep="width").inquiry().study.settings} == {1}


def test_noise_on_the_targets_need_not_be_learned():
    told = {sweep: Synthetic(sweep=sweep).inquiry().claims[1].statement for sweep in ("noise", "width")}
    assert "on the 2 strongest target directions alone" in told["noise"]
    assert "(by verdict)" in told["width"]
