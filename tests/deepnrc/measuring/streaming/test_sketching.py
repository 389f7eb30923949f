"""A sketch in place of wide layers' covariances, from the argument to the verdict."""

import pytest
import torch
from torch import nn

import deepnrc
from deepnrc.measuring.streaming.memory import moments_size
from deepnrc.measuring.streaming.sketching import as_sketch, check_alone

D, S = 60, 20


@pytest.fixture(scope="module")
def samples():
    g = torch.Generator().manual_seed(0)
    X = torch.randn(90, 5, generator=g)
    return X, X @ torch.randn(5, 2, generator=g)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, D), nn.Tanh(), nn.Linear(D, 2))


@pytest.fixture(scope="module")
def both(network, samples):
    return [deepnrc.probe(network, samples, sketch=sketch, progress=False) for sketch in (None, S)]


def values(report, layer, variant="default"):
    rows = report.table[(report.table["layer"] == layer) & (report.table["variant"] == variant)]
    return dict(zip(rows["measure"], rows["value"], strict=True)), dict(zip(rows["measure"], rows["note"], strict=True))


def test_layers_no_wider_than_it_and_what_is_exact_stay_as_they_were(both):
    pairs = [values(report, "0")[0] for report in both]
    assert pairs[0] == pytest.approx(pairs[1], rel=1e-12, nan_ok=True)
    for layer, measure in [("2", "deep.weight_stable_rank"), ("2", "nrc.3"), ("(network)", "model.mse")]:
        known, found = (values(report, layer)[0][measure] for report in both)
        assert found == pytest.approx(known, rel=1e-12)


def test_a_sketched_layer_says_so_in_variant_and_note(both):
    whole, seen = both
    found, notes = values(seen, "2", "sketch")
    assert found["deep.noise_fraction"] >= values(whole, "2")[0]["deep.noise_fraction"]
    assert f"{S} of {D} directions" in notes["deep.noise_fraction"]
    rest, why = values(seen, "2")
    assert all("only a sketch was kept" in why[m] for m in ("deep.noise_fraction", "deep.linear_mse", "nrc.1"))
    assert rest["deep.linear_mse"] != rest["deep.linear_mse"]
    assert "'sketch': 20" in str(seen.provenance[0])


def test_it_is_named_and_not_judged(both, capsys):
    judged = both[1].verdicts().set_index("layer")
    assert judged.loc["2", "verdict"] == "sketched"
    assert "only a sketch" in judged.loc["2", "reason"]
    both[1].summary()
    assert "collapse cannot be told: of 2 only a sketch of the features was kept" in capsys.readouterr().out
    assert set(both[1].spectra.query("layer == '2'")["spectrum"]).isdisjoint({"features", "cosines"})


def test_batches_change_nothing_and_the_same_input_gives_the_same(network, samples, both):
    X, Y = samples
    parts = list(zip(X.split(13), Y.split(13), strict=True))
    found = [values(deepnrc.probe(network, parts, sketch=S, progress=False), "2", "sketch")[0] for _ in range(2)]
    assert found[0] == found[1] == pytest.approx(values(both[1], "2", "sketch")[0], rel=1e-6)


def test_attached_probes_take_it(network, samples):
    with torch.no_grad(), deepnrc.attach(network, sketch=S) as probes:
        network(samples[0])
        probes.observe(samples[1])
        assert "deep.noise_fraction" in values(probes.report(), "2", "sketch")[0]
        with pytest.raises(deepnrc.UsageError, match="held_out"):
            probes.held_out()
    with pytest.raises(deepnrc.UsageError, match="groups"):
        deepnrc.attach(network, sketch=S, groups=4)


@pytest.mark.parametrize("value", [0, -3, True, 2.5, "many"])
def test_what_is_no_number_of_directions_is_refused(network, samples, value):
    with pytest.raises(deepnrc.UsageError, match="sketch"):
        deepnrc.probe(network, samples, sketch=value)


@pytest.mark.parametrize("beside", [{"groups": 4}, {"held_out": "samples"}])
def test_intervals_and_held_out_samples_are_refused(network, samples, beside):
    beside = {name: samples if value == "samples" else value for name, value in beside.items()}
    with pytest.raises(deepnrc.UsageError, match=next(iter(beside))):
        deepnrc.probe(network, samples, sketch=S, **beside)


def test_none_is_none():
    assert as_sketch(None) is None
    assert as_sketch(7) == 7
    check_alone(None, groups=True, held_out=True)


def test_it_takes_less_memory_and_says_where_that_is_not_there(network, samples):
    assert moments_size(10**5, 2, sketch=100) < moments_size(10**5, 2) / 400
    assert moments_size(10, 2, sketch=100) == moments_size(10, 2)
    with pytest.raises(deepnrc.UsageError, match="more than memory"):
        deepnrc.probe(network, samples, sketch=S, memory="1KB", progress=False)
    need = moments_size(D, 2, sketch=S)
    deepnrc.probe(network, samples, sketch=S, memory=need, layers=["2"], probes="deep.noise", progress=False)
