"""On a device that refuses to meet the CPU every row is the CPU's, whatever is asked for."""

import copy

import pytest
import torch
from torch import nn

import deepnrc
from deepnrc.measuring.finishing import rows

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device, with tests of its own")

ASKED = {
    "plain": {},
    "intervals": {"groups": 8},
    "every measure": {"probes": [*dict.fromkeys(probe.name for probe in deepnrc.CATALOG)]},
    "rows": {"pool": "flatten"},
}


@pytest.mark.parametrize("asked", ASKED)
def test_every_row_is_that_of_the_cpu(case, asked, elsewhere, assert_same):
    net, data = case
    here = deepnrc.probe(net, data, progress=False, **ASKED[asked])
    assert_same(here, deepnrc.probe(elsewhere(copy.deepcopy(net)), data, progress=False, **ASKED[asked]))


def test_data_may_lie_there_too(case, elsewhere, assert_same):
    net, data = case
    there = [(x.to("cuda"), y.to("cuda")) for x, y in data]
    assert_same(deepnrc.probe(net, data, progress=False), deepnrc.probe(elsewhere(net), there, progress=False))


def test_held_out_samples_and_an_untrained_reference(elsewhere, assert_same):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 3)).double()
    data = [(torch.randn(200, 12).double(), torch.randn(200, 3).double())]
    given = {"held_out": data, "reference": "untrained", "progress": False}
    assert_same(deepnrc.probe(net, data, **given), deepnrc.probe(elsewhere(copy.deepcopy(net)), data, **given))


def test_layers_that_are_sketched(elsewhere, assert_same):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(300, 200), nn.ReLU(), nn.Linear(200, 3)).double()
    data = [(torch.randn(900, 300).double(), torch.randn(900, 3).double())]
    given = {"sketch": 64, "progress": False}
    assert_same(deepnrc.probe(net, data, **given), deepnrc.probe(elsewhere(copy.deepcopy(net)), data, **given))


def test_a_mistake_in_the_place_is_seen(case, elsewhere, monkeypatch):
    net, data = case
    monkeypatch.setattr(rows, "at_home", lambda streams: streams)
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        deepnrc.probe(elsewhere(net), data, progress=False)
