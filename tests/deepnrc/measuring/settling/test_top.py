"""Which layer stands in front of the outputs."""

import pytest
import torch
from torch import nn

from deepnrc.errors import UsageError
from deepnrc.measuring.settling.top import Top, chosen_top, top_layer, top_names
from deepnrc.networks.choosing.layers import site_at
from deepnrc.networks.dataflow import Dataflow, Giving
from deepnrc.networks.reading.forward import Forward, Reading
from deepnrc.networks.reading.pooling import Pooled


def ran(*names):
    """A pass in which these ran; those with a capital are blocks, read at their output."""
    sites = {name: site_at(name, nn.ReLU() if name[0].isupper() else nn.Linear(5, 2)) for name in names}
    rows = Pooled(torch.zeros(1, 5, dtype=torch.float64), 1, "mean")
    return Forward({name: Reading(site, rows, 0.0) for name, site in sites.items()}, list(names))


def flow(*weights, missing="", factors=None, **more):
    return Dataflow(outputs={"": Giving(weights, missing=missing, factors=factors)}, **more)


NOT_PROBED = "the network's last layer, 'c', was not probed"


@pytest.mark.parametrize(
    ("names", "dataflow", "top"),
    [
        (["a", "b"], flow("a"), Top("a", "")),
        (["a", "b"], flow("b", "a"), Top("b", "", ("b", "a"))),
        (["a", "B"], flow("c", readers={"B": ("c",)}), Top("B", "")),
        (["a", "b"], flow("c"), Top(None, NOT_PROBED)),
        (["a", "b"], flow("b", "c"), Top(None, NOT_PROBED)),
        (["a"], flow("M", bare={"M": "why"}), Top(None, "'M' gives the outputs, and cannot be read as a layer: why")),
        (["a", "b"], flow("a", "b", missing="both"), Top(None, "both", ("a", "b"))),
        (["a"], Dataflow(unknown="no graph"), Top(None, "no graph")),
        (["a"], flow("a", factors=(2.0, 3.0)), Top("a", "", factors=(2.0, 3.0))),
        (["a", "B"], flow("c", readers={"B": ("c",)}, factors=(2.0, 3.0)), Top(None, NOT_PROBED)),
    ],
)
def test_the_top_is_the_layer_whose_weight_gives_the_output(names, dataflow, top):
    assert top_layer(ran(*names), dataflow, "", "which is open") == top


def test_a_softmax_of_the_logits_is_as_good_as_they_are_for_classes_alone():
    dataflow = Dataflow(outputs={"": Giving(("a",), logits="softmax")})
    assert top_layer(ran("a"), dataflow, "", "", classes=True) == Top("a", "")
    found = top_layer(ran("a"), dataflow, "", "")
    assert (found.key, found.weights) == (None, ("a",))
    assert found.missing.startswith(
        "the prediction is the softmax of what 'a' gives, and the targets are no classes: top="
    )


def test_the_layer_that_the_user_names_says_how_many_classes_there_are(data, seeded, probe):
    class Policy(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.actions, self.value = nn.Linear(6, 8), nn.Linear(8, 3), nn.Linear(8, 1)

        def forward(self, x):
            h = self.body(x).relu()
            return self.actions(h).argmax(1), self.value(h)

    X, _ = data()
    y = torch.arange(len(X)) % 3
    with pytest.raises(
        UsageError, match=r"output has one column, '1' \(60, 1\)\. Name .* output, .* the logits with top"
    ):
        probe(seeded(Policy), (X, y))
    found = probe(seeded(Policy), (X, y), top="actions").table
    assert found[found["measure"] == "nrc.2"]["layer"].tolist() == ["actions"]
    assert set(found[(found["measure"] == "nc.3") & (found["layer"] == "actions")]["status"]) == {"ok"}
    with pytest.raises(UsageError, match=r"top='action' has no weight .* Did you mean 'actions'\?"):
        probe(seeded(Policy), (X, y), top="action")


def test_the_weight_in_use_is_made_of_rows_factors_and_sums():
    W = torch.arange(6.0).reshape(3, 2)
    assert torch.equal(Top("a").in_use(W), W)
    assert Top("a", rows=(2, 0)).in_use(W).tolist() == [[4, 5], [0, 1]]
    assert Top("a", rows=(2, 0), factors=(2.0, -1.0)).in_use(W).tolist() == [[8, 10], [0, -1]]
    assert Top("a", mixture=((1.0, 0.0, 1.0),)).in_use(W).tolist() == [[4, 6]]
    assert Top("a", rows=(3,)).in_use(W) is None
    assert Top("a", factors=(1.0, 2.0)).in_use(W) is None
    assert Top("a", mixture=((1.0, 1.0),)).in_use(W) is None


def test_without_an_output_that_predicts_there_is_no_top():
    assert top_layer(ran("a"), flow("a"), None, "which is open") == Top(None, "which is open")


def test_the_top_that_the_user_names():
    assert chosen_top(ran("a", "b"), ["a"]) == Top("a", "")
    assert chosen_top(ran("a", "b"), ["b", "a"]) == Top("b", "", ("b", "a"))
    with pytest.raises(UsageError, match=r"top='bb' is not probed\. Did you mean 'b'\?"):
        chosen_top(ran("a", "b"), ["bb"])
    other = ran("a", "b")
    other.readings["b"].pooled.rows.add_(1)
    other.readings["a"] = Reading(site_at("a", nn.Linear(5, 2)), Pooled(torch.zeros(1, 5), 1, "mean"), 0.0)
    with pytest.raises(UsageError, match="read different features"):
        chosen_top(other, ["a", "b"])


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
        "several outputs have the targets' shape (N, 3), 'auxiliary' (60, 3), 'logits' (60, 3): output= names the one "
        "that predicts",
    )


@pytest.mark.parametrize("odd", [-1, 0, True, [], (), [3], ["0", None], {"0": 1}, object()])
def test_what_names_no_layer_is_refused_before_anything_runs(data, mlp, probe, odd):
    with pytest.raises(UsageError, match="top must name the layer in front of the outputs, or several that read"):
        probe(mlp(), data(), top=odd)
    assert (top_names(None), top_names("0"), top_names(("0", "1"))) == (None, ["0"], ["0", "1"])
