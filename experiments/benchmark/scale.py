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
from experiments.benchmark.clock import CPU, seconds


@dataclass(frozen=True)
class Scale:
    """Measure the cost of large work: some minutes."""

    repeats: Annotated[int, tyro.conf.arg(help="Repetitions of each pair of measurements.")] = 3

    def run(self, device: torch.device = CPU) -> None:
        """Print every figure beside its bound, of networks and data on a device."""
        torch.manual_seed(0)
        for name, size, N, bound in (("convnext_tiny", 64, 256, 3), ("resnet50", 64, 256, 3)):
            model, X = timm.create_model(name, num_classes=10).to(device), torch.randn(N, 3, size, size).to(device)
            _whole(f"{name}, {size}x{size}, N = {N}", model, X, self.repeats, bound)
        small, X = timm.create_model("vit_small_patch16_224", num_classes=10).to(device), torch.randn(64, 3, 224, 224)
        _whole("vit_small, 224x224, N = 64", small, X.to(device), self.repeats, 1.5)
        _timed(
            "three layers of width 4096, N = 2048", lambda: _probe(_mlp(4096, 3), torch.randn(2048, 4096), device), 30
        )
        _timed("d = 3072, N = 64", lambda: _probe(_mlp(3072, 1), torch.randn(64, 3072), device), 1)
        _timed("AlexNet's last layers, d = 9216, N = 24", lambda: _probe(_alexnet(), torch.randn(24, 9216), device), 60)
        _timed("1000 classes, d = 512, N = 4096", lambda: _classes(1000, 4096, device), 1)
        _timed("10000 classes, d = 512, N = 20000", lambda: _classes(10_000, 20_000, device), 60)
        _tracked(500, 0.02)
        _printed(1000, 1)
        _paged(50, 10, 3)


def _mlp(width: int, depth: int) -> nn.Module:
    hidden = [part for _ in range(depth - 1) for part in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(width, 10))


def _alexnet() -> nn.Module:
    return nn.Sequential(nn.Linear(9216, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 10))


def _probe(model: nn.Module, X: Tensor, device: torch.device = CPU) -> None:
    Y = torch.randn(len(X), 10)
    batches = list(zip(X.to(device).split(256), Y.to(device).split(256), strict=True))
    deepnrc.probe(model.to(device), batches, progress=False)


def _classes(K: int, N: int, device: torch.device) -> None:
    X, y = torch.randn(N, 512).to(device), (torch.arange(N) % K).to(device)
    deepnrc.probe(nn.Linear(512, K).to(device), list(zip(X.split(256), y.split(256), strict=True)), progress=False)


def _whole(name: str, model: nn.Module, X: Tensor, repeats: int, bound: float) -> None:
    model.eval()
    batches = list(zip(X.split(32), torch.randn(len(X), 10).to(X.device).split(32), strict=True))
    plain, probed = [], []
    for _ in range(repeats):
        started = seconds()
        with torch.no_grad():
            for x, _ in batches:
                model(x)
        plain.append(seconds() - started)
        started = seconds()
        deepnrc.probe(model, batches, progress=False)
        probed.append(seconds() - started)
    print(
        f"{name}: deepnrc.probe takes {min(probed) / min(plain):.2f} times the forward pass ({min(probed):.1f} s, "
        f"{min(plain):.1f} s). Bound: {bound}."
    )


def _timed(name: str, work: Callable[[], object], bound: float) -> None:
    started, cpu = seconds(), time.process_time()
    work()
    print(f"{name}: {seconds() - started:.2f} s ({time.process_time() - cpu:.1f} s of processors). Bound: {bound} s.")


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
    _timed(f"str(report) of {layers} layers", lambda: str(report), bound)


def _paged(runs: int, most: float, megabytes: float) -> None:
    model, data = _mlp(16, 4), (torch.randn(64, 16), torch.randn(64, 10))
    reports = [deepnrc.probe(model, data, run=f"run {run}", progress=False) for run in range(runs)]
    report = reports[0]
    for other in reports[1:]:
        report = report + other
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        _timed(f"{runs} runs on a page", lambda: report.html(page), most)
        print(f"    {page.stat().st_size / 1e6:.1f} MB. Bound: {megabytes} MB.")
