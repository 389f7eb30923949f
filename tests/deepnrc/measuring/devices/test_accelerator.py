"""On a CUDA device statistics stay where the network is, and every row is the CPU's."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

import deepnrc
from deepnrc.measuring.streaming.memory import free_memory

CUDA = torch.device("cuda")

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")


def numbers(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def mlp(*widths):
    parts = [part for a, b in itertools.pairwise(widths) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*parts[:-1])


def batches(data, size=64):
    X, Y = data
    return list(zip(X.split(size), Y.split(size), strict=True))


def compared(model, data, **given):
    """The reports of the CPU and of the device, of data that is on the CPU."""
    reports = []
    for device in ("cpu", "cuda"):
        net = copy.deepcopy(model).to(device)
        reports.append(deepnrc.probe(net, data, progress=False, **given))
    return reports


@pytest.mark.parametrize("given", [{}, {"groups": 8}], ids=["plain", "intervals"])
def test_every_row_is_that_of_the_cpu(case, given, assert_same):
    assert_same(*compared(*case, **given))


def test_held_out_rows_are_those_of_the_cpu(assert_same):
    torch.manual_seed(0)
    data, held_out = (batches((numbers(400, 12), numbers(400, 3))) for _ in range(2))
    assert_same(*compared(mlp(12, 24, 24, 3).double(), data, held_out=held_out))


def test_a_sketch_and_groups_of_layers_are_those_of_the_cpu(assert_same):
    torch.manual_seed(0)
    model, data = mlp(300, 200, 200, 3).double(), batches((numbers(900, 300), numbers(900, 3)))
    assert_same(*compared(model, data, sketch=64))
    whole, grouped = compared(model, data)[1], compared(model, data, memory="2MB")[1]
    assert_same(whole, grouped)


def test_statistics_stay_on_the_device():
    net = mlp(12, 24, 3).to(CUDA)
    before = torch.cuda.memory_allocated()
    with deepnrc.attach(net) as attachment, torch.no_grad():
        net(torch.randn(64, 12, device=CUDA))
        attachment.observe(torch.randn(64, 3, device=CUDA))
        moments = [layer.moments for layer in attachment._streams.layers.values()]
        assert {m.mean.device.type for m in moments} == {"cuda"}
    del attachment, moments
    assert torch.cuda.memory_allocated() <= before + 2**20


def test_a_watched_training_on_the_device_is_that_of_an_unwatched_one():
    def trained(watched):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2)).to(CUDA)
        X, Y = torch.randn(256, 6, device=CUDA), torch.randn(256, 2, device=CUDA)
        optimizer = torch.optim.SGD(net.parameters(), 0.05)
        tracker = deepnrc.Tracker(net, batches((X, Y)), steps=1) if watched else None
        for _ in range(4):
            optimizer.zero_grad()
            ((net(X) - Y) ** 2).mean().backward()
            optimizer.step()
            if tracker is not None:
                tracker()
        return net, tracker

    (plain, _), (seen, tracker) = trained(False), trained(True)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), seen.parameters(), strict=True))
    assert len(tracker.report.steps) == 4


def test_convolutions_in_tf32_have_its_floor():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1152, 2))
    data = batches((torch.randn(256, 3, 16, 16), torch.randn(256, 2)))
    report = deepnrc.probe(net.to(CUDA), data, progress=False)
    floor = report.values("deep.noise_fraction").set_index("layer")["floor"]
    coarse = torch.cuda.get_device_capability()[0] >= 8
    assert (floor["2"] > 1e-7) == coarse
    assert floor["0"] < 1e-12


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_and_autocast_are_measured(dtype):
    torch.manual_seed(0)
    net, data = mlp(12, 24, 3).to(CUDA), (torch.randn(256, 12), torch.randn(256, 3))
    cast = deepnrc.probe(net, batches(data), autocast=dtype, progress=False)
    half = deepnrc.probe(copy.deepcopy(net).to(dtype), batches((data[0].to(dtype), data[1])), progress=False)
    plain = deepnrc.probe(net, batches(data), progress=False)
    for report in (cast, half):
        noise, exact = (r.values("deep.noise_fraction")["value"].to_numpy() for r in (report, plain))
        np.testing.assert_allclose(noise, exact, rtol=0.05)


@pytest.mark.filterwarnings("ignore:TensorFloat32 tensor cores:UserWarning")
def test_a_compiled_network_is_read(assert_same):
    net = mlp(12, 24, 3).to(CUDA)
    data = batches((torch.randn(256, 12), torch.randn(256, 3)))
    whole, compiled = deepnrc.probe(net, data, progress=False), torch.compile(net)
    compiled(data[0][0].to(CUDA))
    assert_same(whole, deepnrc.probe(compiled, data, progress=False), 1e-4)


def test_free_memory_counts_what_torch_keeps_for_later():
    torch.cuda.empty_cache()
    before = free_memory(CUDA)
    held = torch.empty(2**28, dtype=torch.uint8, device=CUDA)
    assert free_memory(CUDA) <= before - 2**28 + 2**22
    del held
    assert math.isclose(free_memory(CUDA), before, rel_tol=1e-2)


def test_what_does_not_fit_the_device_is_told_before_it_is_tried():
    net = mlp(12, 24, 3).to(CUDA)
    with pytest.raises(deepnrc.UsageError, match="memory"):
        deepnrc.probe(net, batches((torch.randn(64, 12), torch.randn(64, 3))), memory="1kB", progress=False)
