"""What large work costs: whole networks, wide layers, long trackings, many classes and runs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import timm
import torch
import tyro
from torch import Tensor, nn

import deepnrc


@dataclass(frozen=True)
class Scale:
    """Measure the cost of large work: some minutes."""

    repeats: Annotated[int, tyro.conf.arg(help="Repetitions of each pair of measurements.")] = 3

    def run(self) -> None:
        """Print every figure beside its bound."""
        torch.manual_seed(0)
        for name, size, N, bound in (("convnext_tiny", 64, 256, 3), ("resnet50", 64, 256, 3)):
            model = timm.create_model(name, num_classes=10)
            _whole(f"{name}, {size}x{size}, N = {N}", model, torch.randn(N, 3, size, size), self.repeats, bound)
        small = timm.create_model("vit_small_patch16_224", num_classes=10)
        _whole("vit_small, 224x224, N = 64", small, torch.randn(64, 3, 224, 224), self.repeats, 1.5)
        _seconds("three layers of width 4096, N = 2048", lambda: _probe(_mlp(4096, 3), torch.randn(2048, 4096)), 30)
        _seconds("d = 3072, N = 64", lambda: _probe(_mlp(3072, 1), torch.randn(64, 3072)), 1)
        _seconds("AlexNet's last layers, d = 9216, N = 24", lambda: _probe(_alexnet(), torch.randn(24, 9216)), 60)
        _seconds("1000 classes, d = 512, N = 4096", lambda: _classes(1000, 4096), 1)
        _seconds("10000 classes, d = 512, N = 20000", lambda: _classes(10_000, 20_000), 60)
        _tracked(500, 0.02)
        _printed(1000, 1)
        _paged(50, 10, 3)


def _mlp(width: int, depth: int) -> nn.Module:
    hidden = [part for _ in range(depth - 1) for part in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(width, 10))


def _alexnet() -> nn.Module:
    return nn.Sequential(nn.Linear(9216, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 10))


def _probe(model: nn.Module, X: Tensor) -> None:
    batches = list(zip(X.split(256), torch.randn(len(X), 10).split(256), strict=True))
    deepnrc.probe(model, batches, progress=False)


def _classes(K: int, N: int) -> None:
    X, y = torch.randn(N, 512), torch.arange(N) % K
    deepnrc.probe(nn.Linear(512, K), list(zip(X.split(256), y.split(256), strict=True)), progress=False)


def _whole(name: str, model: nn.Module, X: Tensor, repeats: int, bound: float) -> None:
    model.eval()
    batches = list(zip(X.split(32), torch.randn(len(X), 10).split(32), strict=True))
    plain, probed = [], []
    for _ in range(repeats):
        started = time.perf_counter()
        with torch.no_grad():
            for x, _ in batches:
                model(x)
        plain.append(time.perf_counter() - started)
        started = time.perf_counter()
        deepnrc.probe(model, batches, progress=False)
        probed.append(time.perf_counter() - started)
    print(
        f"{name}: deepnrc.probe takes {min(probed) / min(plain):.2f} times the forward pass ({min(probed):.1f} s, "
        f"{min(plain):.1f} s). Bound: {bound}."
    )


def _seconds(name: str, work: Callable[[], object], bound: float) -> None:
    started, cpu = time.perf_counter(), time.process_time()
    work()
    print(
        f"{name}: {time.perf_counter() - started:.2f} s ({time.process_time() - cpu:.1f} s of processors). "
        f"Bound: {bound} s."
    )


def _tracked(steps: int, bound: float) -> None:
    """Joining and saving, beside probing alone."""
    model, data = _mlp(16, 4), (torch.randn(64, 16), torch.randn(64, 10))
    started = time.process_time()
    for step in range(steps):
        deepnrc.probe(model, data, step=step, progress=False)
    alone = time.process_time() - started
    with tempfile.TemporaryDirectory() as folder:
        tracker = deepnrc.Tracker(model, data, steps=1, folder=Path(folder) / "run")
        started = time.process_time()
        for _ in range(steps):
            tracker()
        spent = time.process_time() - started
    print(
        f"Tracker with a folder, {steps} steps: {(spent - alone) / steps:.3f} s of processors a step beside probing "
        f"({alone / steps:.3f} s). Bound: {bound} s."
    )


def _printed(layers: int, bound: float) -> None:
    model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(layers)))
    report = deepnrc.probe(model, (torch.randn(64, 4), torch.randn(64, 4)), progress=False)
    _seconds(f"str(report) of {layers} layers", lambda: str(report), bound)


def _paged(runs: int, seconds: float, megabytes: float) -> None:
    model, data = _mlp(16, 4), (torch.randn(64, 16), torch.randn(64, 10))
    reports = [deepnrc.probe(model, data, run=f"run {run}", progress=False) for run in range(runs)]
    report = reports[0]
    for other in reports[1:]:
        report = report + other
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        _seconds(f"{runs} runs on a page", lambda: report.html(page), seconds)
        print(f"    {page.stat().st_size / 1e6:.1f} MB. Bound: {megabytes} MB.")
