"""Which weight acts on a layer's features, on dataflows written by hand."""

import pytest
import torch
from torch import nn

from deepnrc.measuring.settling.acting import Found, acting, acting_on_top, after
from deepnrc.measuring.settling.top import Top
from deepnrc.measuring.streaming.layerstream import LayerStream
from deepnrc.networks import Dataflow, Giving, Link, site_at
from deepnrc.networks.weights.registry import weights_in

NET = nn.ModuleDict(
    {
        "a": nn.Linear(4, 5),
        "b": nn.Linear(5, 2),
        "c": nn.Linear(5, 3),
        "narrow": nn.Linear(3, 2),
        "conv": nn.Conv1d(5, 2, 3),
        "grouped": nn.Conv1d(4, 4, 1, groups=2),
        "block": nn.ReLU(),
    }
)
WEIGHTS = weights_in(NET)


def layer(name, width):
    return LayerStream(name, site_at(name, NET[name]), 0, False, "none", width, 2, torch.device("cpu"))


def flow(*links, **more):
    return Dataflow(tuple(links), {"": Giving(("b",))}, dict.fromkeys(WEIGHTS, 1), **more)


def rows(*names):
    return torch.cat([NET[name].weight.detach().double() for name in names])


def test_a_layer_read_at_its_input_is_acted_on_by_its_own_weight():
    assert torch.equal(acting(layer("a", 4), flow(), WEIGHTS).matrix, rows("a"))
    found = acting(layer("grouped", 4), flow(), WEIGHTS)
    assert found == Found(None, "not defined for grouped convolutions (groups = 2)")


def test_a_block_is_acted_on_by_all_that_read_its_output_but_shortcuts():
    read = flow(readers={"block": ("b", "c")})
    assert torch.equal(acting(layer("block", 5), read, WEIGHTS).matrix, rows("b", "c"))
    past = flow(readers={"block": ("b", "c")}, shortcuts={"c": ("a", "b")})
    assert torch.equal(acting(layer("block", 5), past, WEIGHTS).matrix, rows("b"))


@pytest.mark.parametrize(
    ("through", "note"),
    [
        (("normalisation",), "'b' reads these features through normalisation"),
        (("ReLU", "normalisation"), "'b' reads these features through ReLU and normalisation"),
        (("reshaping", "mean over an axis", "selection"), ""),
    ],
)
def test_what_lies_between_a_block_and_the_weight_that_reads_it_is_told(through, note):
    seen = flow(readers={"block": ("b",)}, through={("block", "b"): through})
    assert acting(layer("block", 5), seen, WEIGHTS).note == note


def test_weights_that_read_a_block_in_different_ways_are_told_apart_and_a_shortcut_not_at_all():
    ways = {("block", "b"): ("normalisation",), ("block", "c"): ("tanh",)}
    seen = flow(readers={"block": ("b", "c")}, through=ways)
    assert acting(layer("block", 5), seen, WEIGHTS).note == (
        "'b' reads these features through normalisation; 'c' reads these features through tanh"
    )
    past = flow(readers={"block": ("b", "c")}, through={("block", "c"): ("tanh",)}, shortcuts={"c": ("a", "b")})
    assert acting(layer("block", 5), past, WEIGHTS).note == ""


@pytest.mark.parametrize(
    ("dataflow", "missing"),
    [
        (flow(), "no weight layer reads this output"),
        (Dataflow(unknown="no graph"), "no graph"),
        (flow(readers={"block": ("b", "narrow")}), "the next weight, 'narrow', reads 3 features and not 5"),
        (flow(readers={"block": ("rnn",)}), "the next weight, 'rnn', is neither Linear nor a convolution"),
    ],
)
def test_a_block_without_such_a_reader_says_why(dataflow, missing):
    assert acting(layer("block", 5), dataflow, WEIGHTS) == Found(None, missing)


@pytest.mark.parametrize(
    ("top", "used", "note"),
    [
        (Top("b", rows=(0, 1)), (0, 1), "of 'b'"),
        (Top("b", rows=(1,)), (1,), "of 'b', rows 1"),
        (Top("b", "", ("b", "c")), (0, 1, 2, 3, 4), "of 'b', 'c' side by side"),
        (Top("b", "", ("b", "c"), (3, 0)), (3, 0), "of 'b', 'c' side by side, rows 3, 0"),
    ],
)
def test_the_outputs_are_given_by_the_rows_that_the_top_names(top, used, note):
    found = acting_on_top(layer("b", 5), top, WEIGHTS)
    assert torch.equal(found.matrix, rows(*(top.weights or "b"))[list(used)])
    assert (found.missing, found.note) == ("", note)


def test_rows_that_the_weight_does_not_have_are_not_taken():
    found = acting_on_top(layer("b", 5), Top("b", rows=(0, 2)), WEIGHTS)
    assert found == Found(None, "'b' give the outputs in more than one place")


def test_the_next_linear_is_found_with_what_lies_between():
    for between, said in (((), "nothing"), (("ReLU", "product"), "ReLU and product")):
        found = after(layer("a", 4), flow(Link("a", "c", between)), WEIGHTS)
        assert torch.equal(found.matrix, rows("c"))
        assert found.note == f"with {said} between it and 'c'"


@pytest.mark.parametrize(
    ("name", "dataflow", "missing"),
    [
        ("a", flow(), "no weight reads what this one gives"),
        ("conv", flow(Link("conv", "b")), "Conv1d is not Linear"),
        ("a", flow(Link("a", "conv")), "the next weight, 'conv', is Conv1d and not Linear"),
        ("a", flow(Link("a", "narrow")), "the next weight, 'narrow', reads 3 features and not 5"),
        ("block", flow(readers={"block": ("b", "c")}), "no weight layer reads this output"),
    ],
)
def test_without_a_next_linear_it_is_said_why(name, dataflow, missing):
    assert after(layer(name, 5), dataflow, WEIGHTS) == Found(None, missing)


class Adapter(nn.Module):
    """A Linear and a matrix of low rank beside it, as peft's layers hold them."""

    __module__ = "peft.tuners.own"

    def __init__(self, d, m):
        super().__init__()
        self.base_layer, self.down, self.up = nn.Linear(d, m), nn.Linear(d, 1, bias=False), nn.Linear(1, m, bias=False)

    def forward(self, x):
        return self.base_layer(x) + self.up(self.down(x))

    @property
    def in_use(self):
        return (self.base_layer.weight + self.up.weight @ self.down.weight).detach().double()


def test_an_adapted_head_gives_the_outputs_and_an_adapted_layer_is_balanced_with_the_next(data, seeded, probe):
    X, Y = data()
    net = seeded(lambda: nn.Sequential(Adapter(X.shape[1], 8), nn.ReLU(), Adapter(8, Y.shape[1])))
    found = probe(net, (X, Y), probes=["nrc.2", "deep.balancedness"]).table.query("variant == 'default'")
    top = found[found["measure"] == "nrc.2"].iloc[0]
    H = net[:2](X).detach().double()
    u = H / H.norm(dim=1, keepdim=True)
    Q = torch.linalg.qr(net[2].in_use.T).Q
    assert (top["layer"], top["status"]) == ("2.base_layer", "ok")
    assert top["value"] == pytest.approx(float((u - u @ Q @ Q.T).square().sum(1).mean()), rel=1e-5)
    W, V = net[0].in_use, net[2].in_use
    apart = (V.T @ V - W @ W.T).norm()
    balanced = found[(found["measure"] == "deep.balancedness") & (found["layer"] == "0.base_layer")].iloc[0]
    assert balanced["status"] == "ok"
    assert balanced["value"] == pytest.approx(
        float(apart / ((V.T @ V).norm() ** 2 + (W @ W.T).norm() ** 2) ** 0.5), rel=1e-5
    )
