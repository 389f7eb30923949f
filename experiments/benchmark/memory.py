"""Peak memory of probing a ResNet18 beside that of a plain forward pass, each in a process of its own."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

import experiments

BOUND = 1.5
CHECKOUT = Path(experiments.__file__).parents[1]
SIDES = ("plain", "probed")


@dataclass(frozen=True)
class Memory:
    """Measure the peak memory of probing as a multiple of a plain forward pass's."""

    samples: Annotated[int, tyro.conf.arg(help="Images, made on the fly.")] = 2000
    size: Annotated[int, tyro.conf.arg(help="Side of the images.")] = 224
    batch: Annotated[int, tyro.conf.arg(help="Images in a batch.")] = 32

    def run(self) -> None:
        """Print both peaks and their ratio beside its bound."""
        plain, probed = (self.peak(side) for side in SIDES)
        print(
            f"ResNet18, {self.samples} images of {self.size}x{self.size}: peak memory {plain:.0f} MB for a plain "
            f"forward pass, {probed:.0f} MB probed, {probed / plain:.2f} times. Bound: {BOUND}."
        )

    def peak(self, side: str) -> float:
        """Peak memory in MB of one side, "plain" or "probed"."""
        numbers = [str(number) for number in (self.samples, self.size, self.batch)]
        command = [sys.executable, "-m", "experiments.benchmark.memory", side, *numbers]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"The {side} pass ended with exit code {done.returncode}: {done.stderr.strip()[-300:]}")
        return float(done.stdout)


def pass_over(side: str, samples: int, size: int, batch: int) -> None:
    """Make the network and run it over all images, probed or not."""
    import timm
    import torch

    import deepnrc

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        draw = torch.Generator().manual_seed(0)
        for start in range(0, samples, batch):
            count = min(batch, samples - start)
            yield torch.randn(count, 3, size, size, generator=draw), torch.randn(count, 2, generator=draw)

    model = timm.create_model("resnet18", num_classes=2).eval()
    if side == "probed":
        deepnrc.probe(model, batches(), progress=False)
        return
    with torch.no_grad():
        for x, _ in batches():
            model(x)


def own_peak() -> float:
    """Peak resident memory of this process in MB."""
    status = Path("/proc/self/status")
    if status.is_file():  # unlike ru_maxrss, this forgets the process that started this one
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024**2 if sys.platform == "darwin" else peak / 1024


if __name__ == "__main__":
    pass_over(sys.argv[1], *map(int, sys.argv[2:5]))
    print(own_peak())
