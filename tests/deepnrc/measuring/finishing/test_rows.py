"""From finished statistics to rows, one row, one value."""

import math

import pytest
import torch
from torch import nn

import deepnrc
from deepnrc.measuring.finishing.rows import measured
from deepnrc.networks import Dataflow
from deepnrc.table import NETWORK
from probes.measures import prediction


@pytest.fixture
def rows(mlp, data, watched):
    """The rows of a watched network, with what is told of its dataflow in place of what was seen."""

    def make(flow=None, rank=None, **options):
        attachment = watched(mlp(), [data()], **options)
        streams = attachment._streams
        streams.flush()
        return measured(streams, flow or Dataflow(), {}, rank=rank, run="r", step=7, progress=False)

    return make


def test_features_that_vary_by_rounding_alone_are_measured_and_explain_nothing_by_chance_too():
    g = torch.Generator().manual_seed(0)
    stored = 1 + 2e-7 * torch.randn(300, 64, generator=g)
    net = nn.Sequential(nn.Embedding.from_pretrained(stored), nn.Linear(64, 2))
    data = (torch.arange(300), torch.randn(300, 2, generator=g))
    report = deepnrc.probe(net, data, layers=["1"], probes=["deep.linear_r2"], progress=False)
    row = report.values("deep.linear_r2").iloc[0]
    assert (row["value"], row["chance"], row["chance_high"]) == (0, 0, 0)
    assert "64 of 64 directions were below rounding" in row["note"]


@pytest.mark.parametrize("threads", [1, 2])
def test_what_all_layers_read_of_a_classifier_s_outputs_is_computed_once(monkeypatch, threads, seeded):
    asked, plain = [], prediction.beside_targets
    monkeypatch.setattr(prediction, "beside_targets", lambda outputs: (asked.append(outputs), plain(outputs))[1])
    before = torch.get_num_threads()
    g = torch.Generator().manual_seed(0)
    net = seeded(lambda: nn.Sequential(nn.Linear(40, 30), nn.ReLU(), nn.Linear(30, 30), nn.ReLU(), nn.Linear(30, 260)))
    data = (torch.randn(600, 40, generator=g, dtype=torch.float64), torch.arange(600) % 260)
    try:
        torch.set_num_threads(threads)
        report = deepnrc.probe(net, data, progress=False)
        assert len(asked) == 1
        deepnrc.probe(net, data, probes=["deep.noise_fraction"], progress=False)
        assert len(asked) == 1
    finally:
        torch.set_num_threads(before)
    assert report.values("deep.direction_r2_gap")["status"].tolist() == ["ok"] * 3
    assert len(report.table[report.table["layer"] == NETWORK]["measure"].unique()) > 3


def test_a_row_has_what_tells_it_apart_and_no_two_are_told_by_the_same(rows):
    found, _ = rows()
    assert {(row["run"], row["step"]) for row in found} == {("r", 7)}
    told = [(row["layer"], row["measure"], row["variant"]) for row in found]
    assert len(set(told)) == len(told)
    assert list(dict.fromkeys((row["depth"], row["layer"]) for row in found if row["layer"] != NETWORK)) == [
        (0, "0"),
        (1, "2"),
        (2, "4"),
    ]


def test_measures_of_the_network_stand_once_at_depth_minus_one(rows):
    network = [row for row in rows()[0] if row["layer"] == NETWORK]
    assert {(row["depth"], row["kind"], row["pool"]) for row in network} == {(-1, "network", "none")}
    assert [row["measure"] for row in network].count("model.mse") == 1


def test_sizes_are_those_of_the_samples_and_the_layer(rows):
    sizes = {(r["layer"], r["n_samples"], r["dim"], r["target_dim"]) for r in rows()[0] if r["layer"] != NETWORK}
    assert sizes == {("0", 60, 6, 3), ("2", 60, 8, 3), ("4", 60, 7, 3)}


def test_the_rank_is_the_user_s_or_else_the_targets_own(rows):
    assert {row["rank"] for row in rows(rank=2)[0]} == {2}
    assert {row["rank"] for row in rows()[0]} == {3}


def test_no_value_without_a_status_and_none_undefined_without_a_note(rows):
    for row in rows()[0]:
        assert row["status"] == "not defined" or not math.isnan(row["value"]), row
        assert row["status"] != "not defined" or row["note"], row


def test_where_the_flow_is_unknown_what_follows_is_not_defined_and_says_why(rows):
    found = rows(flow=Dataflow(unknown="no graph"))[0]
    assert any(row["note"] == "no graph" and row["status"] == "not defined" for row in found)


def test_measures_of_a_top_layer_that_was_not_probed_stand_once_with_the_reason(rows):
    found = rows(layers=["0", "2"])[0]
    top = [row for row in found if row["measure"] == "nrc.1"]
    assert {(row["status"], row["note"]) for row in top} == {
        ("not defined", "the network's last layer, '4', was not probed")
    }
    assert {row["layer"] for row in top} == {"2"}


def test_the_spectra_of_every_layer_and_of_the_targets_are_kept(rows):
    _, readings = rows()
    assert {reading.place["layer"] for reading in readings} == {"0", "2", "4", NETWORK}
    assert all(bool(torch.isfinite(reading.values).all()) for reading in readings)


class Scaled(nn.Linear):
    """A Linear whose forward does not use its weight as it is."""

    def forward(self, x):
        return nn.functional.linear(x, 2 * self.weight, self.bias)


@pytest.mark.parametrize("options", [{}, {"linears": {Scaled: lambda m: 2 * m.weight}}])
def test_how_a_weight_is_known_is_said_beside_what_rests_on_it(data, seeded, probe, options):
    net = seeded(lambda: nn.Sequential(nn.Linear(6, 5), nn.ReLU(), Scaled(5, 3)))
    table = probe(net, data(), **options).table.query("layer == '2'")
    said = "weight as given in linears" if options else "weight by response"
    told = {row["measure"] for _, row in table.iterrows() if said in row["note"]}
    assert {"deep.weight_stable_rank", "deep.feature_weight_alignment", "nrc.2"} <= told
    assert not told & {"deep.noise_fraction", "deep.cka", "nrc.1"}
    assert all(row["note"].count(said) <= 1 for _, row in table.iterrows())
