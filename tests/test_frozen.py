"""The tables of fixed runs stay what they were: whatever is moved or made faster, no number changes.

``python tests/test_frozen.py FOLDER`` writes the tables of this checkout, to the last digit, for a comparison of two
checkouts on one machine with ``diff``; with ``tests/frozen`` as FOLDER it renews what the tests hold against.
"""

import itertools
import math
import sys
import tempfile
import warnings
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

import deepnrc

FROZEN = Path(__file__).parent / "frozen"
KEPT = ["layer", "kind", "measure", "variant", "status", "n_samples", "dim", "rank", "pool", "value"]
SINGLE = ("mlp", "cell")  # runs of float32, of which another processor reads another fifth digit
CENTRED = ["deep.*", "nrc.*", "nrc.1_centred", "nrc.2_centred"]


def data(*shape, n=3, N=160, dtype=torch.float32):
    g = torch.Generator().manual_seed(0)
    X = torch.randn(N, *shape, generator=g, dtype=torch.float64)
    A = torch.randn(X[0].numel(), n, generator=g, dtype=torch.float64)
    Y = torch.tanh(X.flatten(1) @ A / A.shape[0] ** 0.5) + 0.1 * torch.randn(N, n, generator=g, dtype=torch.float64)
    return X.to(dtype), Y.to(dtype)


def built(factory, dtype=torch.float64):
    """A network whose weights are drawn in that precision."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return factory()
    finally:
        torch.set_default_dtype(default)


def mlp(n=3):
    widths = (6, 24, 24, 16)
    parts = [(nn.Linear(a, b), nn.ReLU()) for a, b in itertools.pairwise(widths)]
    return nn.Sequential(*(module for pair in parts for module in pair), nn.Linear(widths[-1], n))


def timm(kind, **options):
    """A network of timm whose parameters are drawn here: releases of timm draw others."""
    import timm as zoo

    net, g = zoo.create_model(kind, num_classes=3, **options), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in sorted(net.named_parameters()):
            if parameter.ndim > 1:
                parameter.normal_(std=(2 / parameter[0].numel()) ** 0.5, generator=g)
            else:  # factors and offsets
                parameter.normal_(float(name.endswith("weight")), 0.1, generator=g)
    return net


def images(N):
    return data(3, 32, 32, N=N, dtype=torch.float64)


def vit():
    return timm("vit_tiny_patch16_224", img_size=32, patch_size=8, depth=3)


def probed(factory, given, **options):
    return deepnrc.probe(built(factory, given[0].dtype), given, progress=False, **options)


def classifier():
    X, Y = data(6, n=4, dtype=torch.float64)
    return probed(lambda: mlp(4), (X, Y.argmax(1)), probes=["nc.*", "model.*", "deep.*"])


def averaged_blocks():
    """Blocks of a network whose head reads one token, averaged all the same."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The top layer that was named is measured with features that")
        return probed(vit, images(64), layers="blocks", top="blocks.2")


def cell(folder):
    from experiments.data import Recorded
    from experiments.networks import Mlp
    from experiments.runner import Recipe, Setting, cells

    setting = Setting(Recorded("swimmer_1k"), Mlp((32, 32, 32)), Recipe(weight_decay=1e-3, epochs=5))
    split = setting.data.load(0)
    made = cells.make(setting, 0, split)
    cells.run(made, split, folder, threads=1)
    return deepnrc.load(folder / made.key)


RUNS = {
    "mlp": lambda _: probed(mlp, data(6)),
    "mlp-float64": lambda _: probed(mlp, data(6, dtype=torch.float64), rank=2),
    "resnet18": lambda _: probed(lambda: timm("resnet18"), images(64)),
    "vit": lambda _: probed(vit, images(64), pool="cls"),
    "classifier": lambda _: classifier(),
    "two-passes": lambda _: probed(mlp, data(6, dtype=torch.float64), probes=CENTRED),
    "positions": lambda _: probed(lambda: timm("resnet10t"), images(32), pool="positions", layers="layer?.*"),
    "blocks": lambda _: probed(lambda: timm("resnet18"), images(64), layers="blocks"),
    "vit-blocks": lambda _: averaged_blocks(),
    "cell": cell,
}


def table(name, folder):
    report = RUNS[name](folder)
    rows = report.table
    return rows.assign(layer=rows["layer"] + "@" + rows["step"].astype(str))[KEPT]


def agree(ours, theirs, within):
    if not (math.isfinite(ours) and math.isfinite(theirs)):
        return str(ours) == str(theirs)
    return math.isclose(ours, theirs, rel_tol=within, abs_tol=1e-4 * within)


@pytest.mark.parametrize("name", RUNS)
def test_a_fixed_run_reads_what_it_read(name, tmp_path):
    key = ["layer", "measure", "variant"]
    frozen = pd.read_csv(FROZEN / f"{name}.csv").set_index(key)
    now = table(name, tmp_path).set_index(key)
    lost = frozen.index.difference(now.index)
    assert not len(lost), lost.tolist()
    there = now.loc[frozen.index]
    assert there["status"].tolist() == frozen["status"].tolist()
    pairs = zip(frozen.index, there["value"], frozen["value"], strict=True)
    assert [row for row in pairs if not agree(*row[1:], 1e-5 if name in SINGLE else 1e-8)] == []


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for run in RUNS:
        with tempfile.TemporaryDirectory() as scratch:
            table(run, Path(scratch)).to_csv(out / f"{run}.csv", index=False, float_format="%.17g")
