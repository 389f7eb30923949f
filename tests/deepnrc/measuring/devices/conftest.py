"""Networks and data to be probed on two devices, and a device that is not there.

Tensors on that device say that they are on CUDA, hold their numbers on the CPU, and refuse to meet others, so that what
would fail on an accelerator fails where there is none.
"""

import itertools

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

THERE = torch.device("cuda", 0)
aten = torch.ops.aten
MEETING = (aten.copy_.default, aten.index.Tensor, aten.index_put_.default, aten._index_put_impl_.default)
CARD = {
    "get_rng_state": lambda device=None: torch.zeros(16, dtype=torch.uint8),
    "set_rng_state": lambda state, device=None: None,
    "get_device_capability": lambda device=None: (9, 0),
    "mem_get_info": lambda device=None: (2**33, 2**34),
    "memory_reserved": lambda device=None: 0,
    "memory_allocated": lambda device=None: 0,
    "device_count": lambda: 1,
    "current_device": lambda: 0,
}


class Elsewhere(Tensor):
    """A tensor on the device that is not there; ``inner`` holds its numbers."""

    device = property(lambda self: THERE)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)

    @staticmethod
    def __new__(cls, inner):
        layout = {"strides": inner.stride(), "storage_offset": inner.storage_offset(), "layout": inner.layout}
        made = Tensor._make_wrapper_subclass(cls, inner.size(), dtype=inner.dtype, device=inner.device, **layout)
        made.inner = inner
        return made

    def __repr__(self):
        return f"Elsewhere({tuple(self.shape)})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        others = [tuple(x.shape) for x in given if not isinstance(x, Elsewhere) and x.dim()]
        if others and (func not in MEETING or (func is aten.index.Tensor and not isinstance(args[0], Elsewhere))):
            raise RuntimeError(f"Expected all tensors to be on the same device: {func} met {others} of the CPU")
        out = func(*tree_map(_inner, args), **tree_map(_inner, kwargs))
        return args[0] if func._schema.is_mutable and func._schema.name.endswith("_") else tree_map(_outer, out)


class Pretending(TorchFunctionMode):
    """Within the block tensors can be made on, and brought to and from, the device that is not there."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        first = args[0] if args else None
        if func is torch.device:
            return func(*args, **kwargs)
        if name == "tolist" and isinstance(first, Elsewhere):
            return first.detach().inner.tolist()
        if name in ("numpy", "__array__") and isinstance(first, Elsewhere):
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first")
        if name in ("to", "cpu", "cuda", "type_as") and isinstance(first, Tensor):
            return _brought(name, first, args[1:], kwargs)
        if name == "one_hot" and isinstance(first, Elsewhere):  # would make a tensor where C++ knows it to be
            return tree_map(_outer, func(*tree_map(_inner, args), **kwargs))
        if any(map(_names_it, [*args, *kwargs.values()])) and name != "__eq__":
            args, kwargs = tree_map(_as_cpu, args), tree_map(_as_cpu, kwargs)
            return tree_map(_outer, func(*args, **kwargs))
        return func(*args, **kwargs)


def _inner(x):
    return x.inner if isinstance(x, Elsewhere) else x


def _outer(x):
    return Elsewhere(x) if isinstance(x, Tensor) and not isinstance(x, Elsewhere) else x


def _names_it(x):
    return isinstance(x, str | torch.device) and str(x).startswith("cuda")


def _as_cpu(x):
    return torch.device("cpu") if _names_it(x) else x


def _brought(name, x, args, kwargs):
    asked = [*args, *kwargs.values()]
    like = next((a for a in asked if isinstance(a, Tensor)), None)
    if like is not None:
        where, rest, kwargs = like.device, [like.dtype], {}
    else:
        named = {"cpu": "cpu", "cuda": THERE}.get(name)
        where = torch.device(named or next((a for a in asked if isinstance(a, str | torch.device)), x.device))
        rest = [a for a in args if not isinstance(a, str | torch.device)]
    options = {k: v for k, v in kwargs.items() if k not in ("device", "memory_format")}
    if where.type == x.device.type:
        return Tensor.to(x, *rest, **options) if rest or options else x
    held = x.detach() if where.type == "cuda" else x.detach().inner
    held = Tensor.to(held, *rest, **options) if rest or options else held
    return Elsewhere(held.clone()) if where.type == "cuda" else held.clone()


@pytest.fixture
def elsewhere(monkeypatch):
    """What brings a network to the device that is not there, on which it can be run until the test ends."""
    for name, made in CARD.items():
        monkeypatch.setattr(torch.cuda, name, made)

    def brought(net):
        for module in net.modules():
            for name, parameter in module._parameters.items():
                if parameter is not None:
                    module._parameters[name] = nn.Parameter(_outer(parameter.detach().clone()), parameter.requires_grad)
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[name] = _outer(buffer.detach().clone())
        return net

    with Pretending():
        yield brought


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.block(x).mean(1))


def mlp(*widths):
    parts = [part for a, b in itertools.pairwise(widths) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*parts[:-1])


def numbers(*shape):
    return torch.randn(*shape, dtype=torch.float64)


CASES = {
    "mlp": (lambda: mlp(12, 24, 24, 3), lambda: (numbers(400, 12), numbers(400, 3))),
    "wide, few samples": (lambda: mlp(300, 200, 3), lambda: (numbers(60, 300), numbers(60, 3))),
    "classes": (lambda: mlp(12, 24, 5), lambda: (numbers(400, 12), torch.arange(400) % 5)),
    "images": (
        lambda: timm.create_model("resnet10t", num_classes=3, in_chans=3),
        lambda: (numbers(96, 3, 32, 32), numbers(96, 3)),
    ),
    "tokens": (Attends, lambda: (numbers(128, 6, 16), numbers(128, 3))),
}


@pytest.fixture(params=CASES)
def case(request):
    """A network in double precision and its data, on the CPU."""
    torch.manual_seed(0)
    make, data = CASES[request.param]
    return make().double().eval(), batches(data())


def batches(data, size=64):
    X, Y = data
    return list(zip(X.split(size), Y.split(size), strict=True))


@pytest.fixture
def assert_same():
    """Checks that two reports have the same rows, to rounding."""

    def check(here, there, tolerance=1e-7):
        keys = ["depth", "layer", "measure", "variant"]
        one, two = (r.table.set_index(keys).sort_index() for r in (here, there))
        assert list(one.index) == list(two.index)
        assert list(one["status"]) == list(two["status"])
        a, b, floor = one["value"].to_numpy(), two["value"].to_numpy(), one["floor"].fillna(0).to_numpy()
        assert (np.isnan(a) == np.isnan(b)).all()
        off = np.abs(a - b) > tolerance * np.maximum(1, np.abs(a)) + 10 * floor
        assert not off.any(), one.assign(there=b)[off][["value", "there"]]

    return check
