"""Which layer stands in front of the outputs."""

import pytest
import torch
from torch import nn

from deepnrc.measuring.top import Top, top_layer
from deepnrc.networks.layers import site_at
from deepnrc.networks.pooling import Pooled
from deepnrc.networks.taps import Forward, Reading


def ran(*names, read=None):
    """A pass in which these ran; those with a capital are blocks, read at their output."""
    sites = {name: site_at(name, nn.ReLU() if name[0].isupper() else nn.Linear(5, 2)) for name in read or names}
    rows = Pooled(torch.zeros(1, 5, dtype=torch.float64), 1, "mean")
    return Forward({name: Reading(site, rows, 0.0) for name, site in sites.items()}, list(names))


@pytest.mark.parametrize(
    ("forward", "outputs", "key"),
    [
        (ran("a", "b"), {"a": 2, "b": 2}, "b"),
        (ran("a", "b"), {"a": 2, "b": 7}, "a"),
        (ran("a", "b"), {"a": 8, "b": 7}, "b"),
        (ran("a", "B", "c", read=["a", "B"]), {"a": 8, "c": 2}, "B"),
        (ran("a", "B", "C"), {}, "a"),
        (ran("A", "B"), {}, "B"),
    ],
    ids=["last", "of the targets' width", "of no fitting width", "a block before it", "no weights", "blocks alone"],
)
def test_the_last_weight_of_as_many_outputs_as_targets(forward, outputs, key):
    assert top_layer(forward, outputs, 2).key == key


@pytest.mark.parametrize("names", [["a", "b"], ["B", "a", "b"], ["b"]])
def test_a_last_weight_that_was_not_probed_leaves_none_and_says_so(names):
    read = [name for name in names if name != "b"] or ["A"]
    found = top_layer(ran(*names, read=read), {"a": 8, "b": 2}, 2)
    assert found == Top(None, "the network's last layer, 'b', was not probed")


class Heads(nn.Module):
    """A policy and a value head on one body; the value head runs last."""

    def __init__(self):
        super().__init__()
        self.body, self.policy, self.value = nn.Linear(6, 8), nn.Linear(8, 3), nn.Linear(8, 1)

    def forward(self, x):
        h = self.body(x).relu()
        return {"policy": self.policy(h), "value": self.value(h)}


def rows_of(report, measure):
    return report.table[(report.table["measure"] == measure) & (report.table["variant"] == "default")]


def test_the_top_layer_is_the_one_whose_outputs_are_the_targets(data, seeded, probe):
    X, _ = data()
    net = seeded(Heads)
    report = probe(net, (X, net(X)["policy"].detach() + 1))
    assert rows_of(report, "nrc.2")["layer"].tolist() == ["policy"]
    assert rows_of(report, "model.mse")["value"].item() == pytest.approx(1)


def test_a_top_layer_that_was_not_probed_is_not_replaced_by_another(data, mlp, probe):
    X, Y = data()
    net = mlp()
    names = [name for name, module in net.named_modules() if isinstance(module, nn.Linear)]
    found = rows_of(probe(net, (X, Y), layers=names[:-1]), "nrc.1")
    assert found["status"].tolist() == ["not defined"]
    assert found["note"].item() == f"the network's last layer, '{names[-1]}', was not probed"


def test_outputs_that_could_both_be_the_prediction_are_not_chosen_from(data, seeded, probe):
    class Two(Heads):
        def forward(self, x):
            y = super().forward(x)["policy"]
            return {"auxiliary": y + 5, "logits": y}

    X, _ = data()
    found = rows_of(probe(seeded(Two), (X, torch.zeros(len(X), 3))), "model.mse")
    assert (found["status"].item(), found["note"].item()) == (
        "not defined",
        "several outputs have the targets' shape (N, 3): which predicts is unknown",
    )
