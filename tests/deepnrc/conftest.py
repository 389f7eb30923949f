"""Builders shared by the tests of ``deepnrc``: small networks and data, features taken out by hand, plain oracles."""

import pytest
import torch
from torch import nn

import deepnrc


@pytest.fixture
def data():
    """Make inputs (N, *shape) and targets (N, n) that depend on them, from a seed."""

    def make(N=60, shape=(6,), n=3, dtype=torch.float64, seed=0):
        g = torch.Generator().manual_seed(seed)
        X = torch.randn(N, *shape, generator=g, dtype=torch.float64) + 0.3
        A = torch.randn(X[0].numel(), n, generator=g, dtype=torch.float64)
        Y = X.flatten(1) @ A / A.shape[0] ** 0.5 + 0.3 * torch.randn(N, n, generator=g, dtype=torch.float64)
        return X.to(dtype), Y.to(dtype)

    return make


@pytest.fixture
def seeded():
    """Build a network from a factory with seeded weights, in float64 unless told otherwise, in evaluation mode."""

    def build(factory, dtype=torch.float64, seed=0):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return factory().to(dtype).eval()

    return build


@pytest.fixture
def mlp(seeded):
    """Linear(6, 8) - ReLU - Linear(8, 7) - ReLU - Linear(7, 3): layers '0', '2', '4'."""

    def make(dtype=torch.float64, inplace=False, n=3):
        return seeded(
            lambda: nn.Sequential(
                nn.Linear(6, 8), nn.ReLU(inplace), nn.Linear(8, 7), nn.ReLU(inplace), nn.Linear(7, n)
            ),
            dtype,
        )

    return make


@pytest.fixture
def cnn(seeded):
    """Three convolutions and a Linear; inputs (N, 3, 8, 8)."""
    return lambda: seeded(
        lambda: nn.Sequential(
            nn.Conv2d(3, 5, 3, padding=1),
            nn.BatchNorm2d(5),
            nn.ReLU(inplace=True),
            nn.Conv2d(5, 6, 3, stride=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(6, 7, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(7, 3),
        )
    )


@pytest.fixture
def probe():
    """``deepnrc.probe`` without a progress bar."""
    return lambda model, loader, **options: deepnrc.probe(model, loader, progress=False, **options)


@pytest.fixture
def watched():
    """Attach, run the batches, observe each; return the attachment, whose streams then hold the statistics."""

    def run(model, batches, **options):
        with deepnrc.attach(model, **options) as attachment, torch.no_grad():
            for x, y in batches:
                model(x)
                attachment.observe(y)
        return attachment

    return run


@pytest.fixture
def moments(watched):
    """The moments of every layer by its name, from an attachment over the batches."""

    def run(model, batches, **options):
        streams = watched(model, batches, **options)._streams
        streams.flush()
        return {key: layer.statistics["moments"] for key, layer in streams.layers.items()}

    return run


@pytest.fixture
def by_hand():
    """Every named module's whole input (or output) over all batches, kept by plain hooks and put together."""

    def take(model, inputs, names, reads="input"):
        kept, handles = {name: [] for name in names}, []
        for name in names:
            module, keep = model.get_submodule(name), kept[name]
            handles.append(
                module.register_forward_pre_hook(lambda m, args, keep=keep: keep.append(args[0].clone()))
                if reads == "input"
                else module.register_forward_hook(lambda m, args, out, keep=keep: keep.append(out.clone()))
            )
        with torch.no_grad():
            for x in inputs:
                model(x)
        for handle in handles:
            handle.remove()
        return {name: torch.cat(parts) for name, parts in kept.items()}

    return take


@pytest.fixture
def truth():
    """Measures from the whole feature matrix H (N, d), targets Y (N, n) and weight W (m, d), by SVD of the data."""

    def measure(H, Y, W=None, k=None):
        H, Y, W = H.double(), Y.double(), None if W is None else W.detach()
        Hc, Yc, k, N = H - H.mean(0), Y - Y.mean(0), k or Y.shape[1], H.shape[0]
        _, s, Vh = torch.linalg.svd(Hc, full_matrices=False)
        found = {
            "deep.noise": (s[k:] ** 2).sum() / N,
            "deep.noise_fraction": (s[k:] ** 2).sum() / (s**2).sum(),
            "deep.feature_stable_rank": (s**2).sum() / s[0] ** 2,
            "deep.cka": (Hc.T @ Yc).norm() ** 2 / ((Hc @ Hc.T).norm() * (Yc @ Yc.T).norm()),
        }
        if H.shape[1] + 1 < N:
            design = torch.cat([H, torch.ones(N, 1, dtype=torch.float64)], 1)
            found["deep.linear_mse"] = (
                (design @ torch.linalg.lstsq(design, Y, driver="gelsd").solution - Y) ** 2
            ).mean()
        if W is not None:
            _, sw, Wh = torch.linalg.svd(W.double(), full_matrices=False)
            found["deep.weight_stable_rank"] = (sw**2).sum() / sw[0] ** 2
            if sw.numel() >= k:
                tied = int((1.01 * sw > sw[k - 1]).sum())  # values within 1 % of the k-th stand for one space
                found["deep.feature_weight_alignment"] = torch.linalg.svdvals(Vh[:k] @ Wh[:tied].T).mean()
        return {name: float(value) for name, value in found.items()}

    return measure


@pytest.fixture
def row():
    """One row of a report's table."""

    def find(report, layer, measure, variant="default"):
        t = report.table
        rows = t[(t["layer"] == layer) & (t["measure"] == measure) & (t["variant"] == variant)]
        assert len(rows) == 1, (layer, measure, variant, len(rows))
        return rows.iloc[0]

    return find


@pytest.fixture
def agree(row, truth):
    """Check a report's layer against the oracle on features taken out by hand; return what was compared."""

    def check(report, layer, H, Y, W=None, rel=1e-9):
        expected = truth(H, Y, W)
        got = {measure: row(report, layer, measure)["value"] for measure in expected}
        assert got == pytest.approx(expected, rel=rel, abs=1e-13), layer
        return set(expected)

    return check


@pytest.fixture
def same():
    """Check that two reports hold the same rows and, to a relative tolerance, the same values."""

    def check(one, other, rel=1e-10, labels=True):
        a, b = one.table, other.table
        if labels:
            named = ["layer", "measure", "variant", "status"]
            assert a[named].values.tolist() == b[named].values.tolist()
        ours, theirs = a["value"].to_numpy(), b["value"].to_numpy()
        assert ours == pytest.approx(theirs, rel=rel, abs=1e-14, nan_ok=True)

    return check


@pytest.fixture
def hooks():
    """How many hooks of any kind hang on a network's modules."""

    def count(model):
        kinds = ("_forward_hooks", "_forward_pre_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called")
        return sum(len(getattr(module, kind)) for module in model.modules() for kind in kinds)

    return count
