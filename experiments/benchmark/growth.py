"""How the cost of probing grows: with samples, width, layers, steps, classes and runs."""

from __future__ import annotations

import math
import os
import tempfile
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from matplotlib.ticker import LogLocator
from torch import nn

import deepnrc
from deepnrc.figures import INK, picture
from deepnrc.table import write_whole

HEAD = """# How the cost grows

Seconds of processors, the faster of two, written by `make bench ARGS=--growth`; the power is the slope of their
logarithms over the last half of the sizes. What is measured behind the passes does not depend on the number of samples.

![Seconds over each size](growth.png)
"""


@dataclass(frozen=True)
class Grown:
    """What one thing costs at several sizes.

    Attributes:
        what: the size that grows.
        of: what is timed.
        sizes, seconds: one beside the other.
    """

    what: str
    of: str
    sizes: Sequence[int]
    seconds: Sequence[float]

    @property
    def power(self) -> float:
        """p of seconds ~ size^p between the middle and the last size."""
        first = (len(self.sizes) - 1) // 2
        return math.log(self.seconds[-1] / self.seconds[first]) / math.log(self.sizes[-1] / self.sizes[first])

    @property
    def line(self) -> str:
        """A row of the document's table."""
        took = ", ".join(f"{s:.3g}" for s in self.seconds)
        return f"| {self.what} | {self.of} | {', '.join(map(str, self.sizes))} | {took} | {self.power:.1f} |"


@dataclass(frozen=True)
class Growth:
    """Measure how the cost grows: about a minute."""

    out: Path | None = None
    sizes: int = 4

    def run(self) -> None:
        """Print the table, and write it to ``out`` with its figure beside it."""
        beside = _beside()
        found = [self._grown(*case) for case in CASES]
        head = ["| size | what is timed | sizes | seconds | power |", "|---|---|---|---|---|"]
        told = "\n".join([*head, *(one.line for one in found)])
        print(told)
        if self.out is not None:
            _draw(found, self.out.with_suffix(".png"))
            write_whole({self.out: f"{HEAD}\n{beside}\n\n{told}\n".encode()}, "The document")

    def _grown(self, what: str, of: str, first: int, work: Callable[[int], float]) -> Grown:
        sizes = [first * 2**i for i in range(self.sizes)]
        work(first)  # what is only done once
        return Grown(what, of, sizes, [min(work(size), work(size)) for size in sizes])


def _samples(N: int) -> float:
    model, X, Y = _mlp(64, 3), torch.randn(N, 64), torch.randn(N, 4)
    with deepnrc.attach(model) as probes:
        for x, y in zip(X.split(256), Y.split(256), strict=True):
            model(x)
            probes.observe(y)
        return _seconds(probes.report)


def _width(d: int) -> float:
    return _seconds(lambda: _probe(d, 2, 1024))


def _layers(count: int) -> float:
    return _seconds(lambda: _probe(32, count, 256))


def _steps(count: int) -> float:
    model, data = _mlp(8, 2), (torch.randn(32, 8), torch.randn(32, 4))
    with tempfile.TemporaryDirectory() as folder:
        tracker = deepnrc.Tracker(model, data, steps=1, folder=Path(folder) / "run")
        return _seconds(lambda: [tracker() for _ in range(count)])


def _classes(K: int) -> float:
    X, y = torch.randn(4096, 128), torch.arange(4096) % K
    return _seconds(lambda: deepnrc.probe(nn.Linear(128, K), (X, y), progress=False))


def _runs(count: int) -> float:
    model, data = _mlp(8, 2), (torch.randn(32, 8), torch.randn(32, 4))
    whole = first = deepnrc.probe(model, data, run="0", progress=False)
    for run in range(1, count):
        whole = whole + first.renamed(str(run))
    with tempfile.TemporaryDirectory() as folder:
        return _seconds(lambda: whole.html(Path(folder) / "page.html"))


CASES: tuple[tuple[str, str, int, Callable[[int], float]], ...] = (
    ("samples", "finishing three layers of width 64", 1024, _samples),
    ("width", "probing two layers, N = 1024", 64, _width),
    ("layers", "probing layers of width 32, N = 256", 4, _layers),
    ("steps", "a tracker with a folder", 8, _steps),
    ("classes", "probing a layer of width 128, N = 4096", 16, _classes),
    ("runs", "a page", 2, _runs),
)


def _mlp(width: int, depth: int) -> nn.Sequential:
    hidden = [part for _ in range(depth - 1) for part in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(width, 4))


def _probe(width: int, depth: int, N: int) -> None:
    deepnrc.probe(_mlp(width, depth), (torch.randn(N, width), torch.randn(N, 4)), progress=False)


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _draw(found: Sequence[Grown], path: Path) -> None:
    with picture(path) as figure:
        assert figure is not None
        figure.set_size_inches(7.5, 4.4)
        for ax, one in zip(figure.subplots(2, 3).flat, found, strict=True):
            ax.loglog(one.sizes, one.seconds, marker="o", markersize=4, color=INK)
            ax.set_ylim(min(one.seconds) / 2, max(one.seconds) * 2)
            ax.set_xticks(one.sizes, labels=map(str, one.sizes))
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_major_formatter("{x:g}")
            ax.minorticks_off()
            ax.set(xlabel=one.what, ylabel="s", title=f"{textwrap.fill(one.of, 28)}\npower {one.power:.1f}")


def _beside() -> str:
    """On what machine, and what else it did, which makes processors' seconds longer too."""
    waiting = f", {os.getloadavg()[0]:.0f} processes running when it began" if hasattr(os, "getloadavg") else ""
    threads = torch.get_num_threads()
    return f"Measured with {threads} thread{'s' * (threads > 1)} of torch on {os.cpu_count()} cores{waiting}."
