"""Small networks, plain and odd, and data of every shape, dtype and value, from names that hypothesis draws; and what
must hold whatever is asked of them."""

import io
import random
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import TMonitor

from deepnrc.table import described

CALLS = 2000
STATUSES = {"ok", "below floor", "degenerate", "not defined"}


def pytest_addoption(parser):
    parser.addoption("--calls", type=int, default=CALLS, help="Calls of the library that tests/fuzz makes in all.")


@pytest.fixture
def made():
    """What networks and data are made of, and how, and what must hold."""
    return SimpleNamespace(
        network=network, parts=list(PARTS), fills=list(FILLS), samples=samples, inputs=list(INPUTS),
        targets=list(TARGETS), dtypes=DTYPES, forms=list(FORM), traces=traces, lies_where_it_can=lies_where_it_can,
    )  # fmt: skip


class Shared(nn.Module):
    """One Linear that runs twice."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc = nn.Linear(width, width)

    def forward(self, x):
        return self.fc(torch.relu(self.fc(x)))


class Residual(nn.Module):
    """A Linear with a shortcut around it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc = nn.Linear(width, width, bias=False)

    def forward(self, x):
        return x + torch.tanh(self.fc(x))


class Bare(nn.Module):
    """A matrix that is no Linear."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(width, width))

    def forward(self, x):
        return x @ self.matrix


class Idle(nn.Module):
    """A Linear that never runs."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.never = nn.Linear(width, width)

    def forward(self, x):
        return x


class Tokens(nn.Module):
    """Attention over the features as tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up, self.attention = nn.Linear(1, 4), nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x):
        h = self.up(x[..., None])
        return self.attention(h, h, h, need_weights=False)[0].mean(-1)


class Picture(nn.Module):
    """A convolution over the features as a picture of one row."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x[:, None, None, :]))).mean((1, 2))


class Recurrent(nn.Module):
    """A GRU over the features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gru, self.down = nn.GRU(1, 3, batch_first=True), nn.Linear(3, width)

    def forward(self, x):
        return self.down(self.gru(x[..., None])[0][:, -1])


class Sampling(nn.Module):
    """Another output at every call."""

    def __init__(self, width: int) -> None:
        super().__init__()

    def forward(self, x):
        return x + torch.randn_like(x)


class InPlace(nn.Module):
    """Changes its input."""

    def __init__(self, width: int) -> None:
        super().__init__()

    def forward(self, x):
        return x.mul_(0.5)


class Tupled(nn.Module):
    """Its output with another one, in a tuple or a dict."""

    def __init__(self, inner: nn.Module, kind: str) -> None:
        super().__init__()
        self.inner, self.kind = inner, kind

    def forward(self, x):
        y = self.inner(x)
        return (y, x) if self.kind == "tuple" else {"logits": y, "aux": y.mean(-1)} if self.kind == "dict" else [y, y]


PARTS = {
    "linear": lambda d: nn.Linear(d, d),
    "linear without bias": lambda d: nn.Linear(d, d, bias=False),
    "grouped": lambda d: nn.Sequential(nn.Unflatten(1, (d, 1)), nn.Conv1d(d, d, 1, groups=d), nn.Flatten()),
    "relu": lambda d: nn.ReLU(),
    "relu in place": lambda d: nn.ReLU(inplace=True),
    "tanh": lambda d: nn.Tanh(),
    "dropout": lambda d: nn.Dropout(0.5),
    "batchnorm": nn.BatchNorm1d,
    "layernorm": nn.LayerNorm,
    "identity": lambda d: nn.Identity(),
    "dead": lambda d: nn.Threshold(1e9, 0.0),
    "empty": lambda d: nn.Sequential(),
    "lazy": lambda d: nn.LazyLinear(d),
    "shared": Shared, "residual": Residual, "bare": Bare, "idle": Idle, "tokens": Tokens, "picture": Picture,
    "recurrent": Recurrent, "sampling": Sampling, "in place": InPlace,
}  # fmt: skip
FILLS = {"zero": 0.0, "nan": float("nan"), "huge": 1e30, "tiny": 1e-30, "one": 1.0}


def network(d, parts, width, m, fill, dtype, output, names, frozen, training, seed):
    """Input width d, parts of one width, m outputs; weights of one layer filled, names that are none of ours."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Linear(d, width), *(PARTS[part](width) for part in parts), nn.Linear(width, m)]
    made = nn.Sequential()
    for i, layer in enumerate(layers):
        made.add_module(f"{names}{i}", layer)
    if fill is not None:
        with torch.no_grad():
            for weight in list(layers[0 if seed % 2 else -1].parameters()):
                weight.fill_(FILLS[fill])
    made = made.to(dtype).train(training)
    for parameter in list(made.parameters())[: 2 * frozen]:
        parameter.requires_grad_(False)
    return made if output == "tensor" else Tupled(made, output)


INPUTS = {
    "normal": lambda x: x,
    "constant column": lambda x: _with(x, (slice(None), 0), 3.0),
    "constant": lambda x: torch.ones_like(x),
    "zero": lambda x: torch.zeros_like(x),
    "equal rows": lambda x: x[:1].expand(x.shape).clone(),
    "huge": lambda x: x * 1e30,
    "tiny": lambda x: x * 1e-30,
    "far": lambda x: x + 1e6,
    "nan": lambda x: _with(x, (-1, 0), float("nan")),
    "infinite": lambda x: _with(x, (0, -1), float("inf")),
    "low rank": lambda x: x[:, :1] @ torch.ones(1, x.shape[1], dtype=x.dtype),
}
TARGETS = (
    "linear",
    "column",
    "vector",
    "classes",
    "one class",
    "one-hot",
    "floats as classes",
    "bytes",
    "booleans",
    "none",
)
DTYPES = {str(kind)[6:]: kind for kind in (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64)}


def _with(x, place, value):
    x = x.clone()
    if x.numel():
        x[place] = value
    return x


def samples(N, d, n, values, target_values, targets, dtype, form, batch, seed):
    """Inputs (N, d) of some values and targets for n outputs, in the form of a loader."""
    draw = torch.Generator().manual_seed(seed)
    x = INPUTS[values](torch.randn(N, d, generator=draw, dtype=torch.float64))
    y = _targets(targets, N, n, x, draw)
    y = INPUTS[target_values](y) if y.is_floating_point() and y.ndim == 2 and y.shape[1] else y
    return FORM[form](x.to(DTYPES[dtype]), y, batch)


def _targets(kind, N, n, x, draw):
    linear = x.nan_to_num(0.0, 0.0, 0.0)[:, :1] @ torch.randn(1, n, generator=draw, dtype=torch.float64)
    linear = linear + 0.1 * torch.randn(N, n, generator=draw, dtype=torch.float64)
    classes = torch.randint(0, n, (N,), generator=draw)
    made = {
        "linear": linear,
        "column": linear[:, :1],
        "vector": linear[:, 0],
        "classes": classes,
        "one class": torch.zeros(N, dtype=torch.int64),
        "one-hot": torch.nn.functional.one_hot(classes, n).float(),
        "floats as classes": classes.double(),
        "bytes": classes.to(torch.uint8),
        "booleans": classes > 0,
        "none": linear[:, :0],
    }
    return made[kind]


def _batches(x, y, batch):
    return list(zip(x.split(batch), y.split(batch), strict=True))


FORM = {
    "pair": lambda x, y, b: (x, y),
    "arrays": lambda x, y, b: tuple((z.float() if z.dtype == torch.bfloat16 else z).numpy() for z in (x, y)),
    "batches": _batches,
    "loader": lambda x, y, b: DataLoader(TensorDataset(x, y), batch_size=b),
    "dicts": lambda x, y, b: [{"x": part, "labels": target} for part, target in _batches(x, y, b)],
    "generator": lambda x, y, b: iter(_batches(x, y, b)),
    "uneven": lambda x, y, b: (x, y[1:]),
    "lists": lambda x, y, b: [(part.tolist(), target.tolist()) for part, target in _batches(x, y, b)],
    "nothing": lambda x, y, b: [],
}


def traces(network):
    """What probing must leave as it is."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_state_dict_hooks")
    modules = list(network.modules())
    held = {name: str(value) if nn.parameter.is_lazy(value) else value for name, value in network.state_dict().items()}
    weights = io.BytesIO()
    torch.save(held, weights)
    return (
        [len(getattr(module, kind)) for module in modules for kind in kinds],
        [module.training for module in modules],
        [sorted(vars(module)) for module in modules],
        [(p.requires_grad, p.grad is None) for p in network.parameters()],
        weights.getvalue(),
        (torch.is_grad_enabled(), torch.get_num_threads(), torch.get_default_dtype()),
        [thread for thread in threading.enumerate() if not isinstance(thread, TMonitor)],  # tqdm's, once for all bars
        torch.get_rng_state().tolist(),
        random.getstate(),
        str(np.random.get_state()),
    )


def lies_where_it_can(report):
    """Every value within its catalog's bounds; one that is none says why."""
    assert set(report.table["status"]) <= STATUSES
    for row in report.table.to_dict("records"):
        probe, value = described(row["measure"], row["variant"], report.provenance), row["value"]
        if np.isnan(value):
            assert row["status"] in ("degenerate", "not defined"), row
            assert row["note"], row
        else:
            low, high = probe.bounds
            slack = 1e-9 * max(1.0, abs(value))
            assert low - slack <= value <= high + slack, row
        assert not row["floor"] < 0, row
