"""What probing costs beside a plain forward pass, per sample, and what finishing a pass costs.

What users call is measured, `deepnrc.probe` and `report`, interleaved in one run, so that a busy machine slows both
sides alike: for each repetition the plain pass and the probed pass run over few and over many samples. The cost per
sample is the slope between the fastest of each, so that fixed costs and interruptions fall out; the quartiles of the
ratios of whole passes stand beside it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import timm
import torch
import tyro
from torch import Tensor, nn

import deepnrc
from deepnrc import UsageError
from deepnrc.data import progress_bar
from deepnrc.measuring import Attachment, select
from deepnrc.networks import choose, survey
from experiments.benchmark.clock import CPU, cpu_seconds, peak, placed, seconds
from experiments.benchmark.growth import Growth
from experiments.benchmark.memory import Memory
from experiments.benchmark.scale import Scale
from probes import Directions, Moments, Snapshot, forget_draws, lent

Batches = list[tuple[Tensor, Tensor]]
SETTLED = 0.05  # seconds after which threads no longer spin, whose time would count


@dataclass(frozen=True)
class Bench:
    """Measure the cost of probing as ratios."""

    repeats: Annotated[int, tyro.conf.arg(help="Repetitions of each pair of measurements.")] = 9
    threads: Annotated[int | None, tyro.conf.arg(help="Threads of torch; all cores if not given.")] = None
    device: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="NAME", help="Where networks and data are, such as cuda or cuda:1; the CPU if not given."
        ),
    ] = None
    images: Annotated[
        bool, tyro.conf.arg(help="Also the peak memory of a ResNet18 over 2,000 images of 224x224: some minutes.")
    ] = False

    scale: Annotated[
        bool, tyro.conf.arg(help="Also whole networks, wide layers, many classes, steps and runs: some minutes.")
    ] = False

    growth: Annotated[
        bool, tyro.conf.arg(help="Only how the cost grows, written to docs/growth.md with its figure: a minute or two.")
    ] = False

    def run(self) -> None:
        """Print every figure beside its bound."""
        if self.threads:
            torch.set_num_threads(self.threads)
        if self.growth:
            Growth(Path("docs/growth.md")).run()
            return
        device = placed(self.device)
        if device != CPU and (self.growth or self.images):
            raise UsageError("--growth and --images measure the CPU's memory and time. Leave out --device.")
        if device != CPU:
            print(f"On {device}: {torch.cuda.get_device_name(device) if device.type == 'cuda' else device.type}.")
        torch.manual_seed(0)
        resnet = timm.create_model("resnet18", num_classes=2).to(device)
        images = [(_drawn(device, 64, 3, 64, 64), _drawn(device, 64, 2)) for _ in range(32)]
        _ratio("ResNet18, 64x64, all convolutions, N = 2048", resnet, images, 8, self.repeats, 1.10)
        vectors = [(_drawn(device, 256, 512), _drawn(device, 256, 4)) for _ in range(60)]
        _ratio("8-layer MLP of width 512, N = 15,360", _mlp(512, 8).to(device), vectors, 10, self.repeats, 3.3)
        _first_batch("ResNet18, 64x64", resnet, images[0], self.repeats)
        # a layer of a network is measured on one core; a decomposition uses all, and a layer that is alone hardly does
        for count in dict.fromkeys([*([1] if device == CPU else []), torch.get_num_threads()]):
            with _threads(count):
                _finish(512, self.repeats, 2.0, 2.6, device)
                for n in (1, 4, 10):
                    _nulls(512, n, self.repeats, 0.5, device)
        _memory(device)
        if self.images:
            Memory().run()
        if self.scale:
            Scale().run(device)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """So many threads of torch inside the block."""
    before = torch.get_num_threads()
    print(f"On {count} thread{'s' if count > 1 else ''}:")
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _drawn(device: torch.device, *shape: int) -> Tensor:
    return torch.randn(*shape).to(device)


def _mlp(width: int, depth: int) -> nn.Sequential:
    hidden = [part for _ in range(depth - 1) for part in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(width, 4))


def _plain(model: nn.Module, batches: Batches) -> float:
    started = seconds()
    with torch.no_grad():
        for x, _ in batches:
            model(x)
    return seconds() - started


def _probed(model: nn.Module, batches: Batches) -> float:
    started = seconds()
    deepnrc.probe(model, batches, progress=False)
    return seconds() - started


def _ratio(name: str, model: nn.Module, batches: Batches, few: int, repeats: int, bound: float) -> None:
    model.eval()
    times: dict[tuple[str, int], list[float]] = {}
    for repeat in progress_bar(range(repeats + 1), desc=name):
        for count in (few, len(batches)):
            for run in (_plain, _probed):
                taken = run(model, batches[:count])
                if repeat:
                    times.setdefault((run.__name__, count), []).append(taken)
    plain, probed = (
        (min(times[run, len(batches)]) - min(times[run, few])) / (len(batches) - few) for run in ("_plain", "_probed")
    )
    ratios = [b / a for a, b in zip(times["_plain", len(batches)], times["_probed", len(batches)], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(
        f"{name}: probing costs {probed / plain:.2f} times a plain forward pass per sample "
        f"(plain {1e3 * plain:.2f} ms, probed {1e3 * probed:.2f} ms a batch; whole passes {low:.2f}, {middle:.2f}, "
        f"{high:.2f}). Bound: {bound}."
    )


def _first_batch(name: str, model: nn.Module, batch: tuple[Tensor, Tensor], repeats: int) -> None:
    """What the passes over the first batch cost, which an attachment or a tracker makes once."""
    x, y = batch
    sites = choose(model).sites
    looks = []
    for _ in range(repeats):
        started = seconds()
        survey(model, (x,), {}, len(y), sites)
        looks.append(seconds() - started)
    plain = min(_plain(model, [batch]) for _ in range(repeats))
    print(
        f"{name}: what the first batch shows costs {min(looks) / plain:.1f} plain forward passes of {len(y)} samples "
        f"({1e3 * min(looks):.1f} ms), once for an attachment or a tracker."
    )


def _finish(d: int, repeats: int, bound: float, report_bound: float, device: torch.device = CPU) -> None:
    """All measures and null levels of one layer, and a whole report of it, beside one decomposition of its size, in
    turns. What null levels draw is kept from one layer to the next, and is there after the first round, which is left
    out."""
    H, Y, model = _drawn(device, 4 * d, d), _drawn(device, 4 * d, 4), nn.Linear(d, 4).to(device)
    moments, directions = Moments(d, 4), Directions(d)  # on the CPU, where measures are read
    moments.update(H.cpu(), Y.cpu())
    directions.update(H.cpu())
    W = torch.randn(d, d).double()
    S = moments.covariance[:d, :d].contiguous().to(device)
    attachment = Attachment(model)
    with attachment, torch.no_grad():
        model(H)
        attachment.observe(Y)
    probes = select(None)

    def measures() -> None:
        snapshot = Snapshot({"moments": moments, "directions": directions}, W, network_mse=1.0)
        with lent(device):
            for probe in probes:
                probe.evaluate(snapshot)

    work = {"eigh": lambda: torch.linalg.eigh(S), "measures": measures, "report": attachment.report}
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats + 1):
        for name, call in work.items():
            started = seconds()
            call()
            times[name].append(seconds() - started)
    middle = {name: statistics.median(taken[1:]) for name, taken in times.items()}
    for what, name, most in (
        ("all measures and null levels of one layer", "measures", bound),
        ("a report of one layer, with spectra and table", "report", report_bound),
    ):
        print(
            f"d = {d}: {what}: {middle[name] / middle['eigh']:.2f} times one eigh of that size ({middle[name]:.3f} s, "
            f"{middle['eigh']:.3f} s). Bound: {most}."
        )


def _nulls(d: int, n: int, repeats: int, bound: float, device: torch.device = CPU) -> None:
    """Processor time (on an accelerator wall time) of all null levels of one layer beside that of decomposing S_H, once
    its measures are known. What is drawn is kept from one layer to the next, and forgotten here: each repetition draws
    anew."""
    probes, clock = [probe for probe in select(None) if probe.chance is not None], cpu_seconds(device)
    nulls, decompositions = [], []
    for width in range(d, d + repeats + 1):
        snapshot = _steep(width, n)
        with lent(device):
            for probe in probes:
                probe.outcome(snapshot)
        S = snapshot.S_H.to(device)
        forget_draws()
        time.sleep(SETTLED)
        started = clock()
        for probe in probes:
            probe.null(snapshot)
        nulls.append(clock() - started)
        time.sleep(SETTLED)
        started = clock()
        torch.linalg.eigh(S)
        decompositions.append(clock() - started)
    level, whole = statistics.median(nulls[1:]), statistics.median(decompositions[1:])
    of = " of CPU time" if device == CPU else ""
    print(
        f"All null levels of one layer, d = {d}, n = {n}: {level:.4f} s{of}, {level / whole:.2f} times a "
        f"decomposition of S_H ({whole:.4f} s). Bound: {bound}."
    )


def _steep(d: int, n: int) -> Snapshot:
    """A layer of features with a falling spectrum, and n unrelated targets."""
    moments = Moments(d, n)
    moments.update(torch.randn(4 * d, d) * torch.arange(1, d + 1) ** -0.5, torch.randn(4 * d, n))
    return Snapshot({"moments": moments}, torch.randn(d, d).double())


def _memory(device: torch.device) -> None:
    """Peak memory before and after ten times the samples, through a loader that makes them on the fly."""

    def batches(count: int) -> object:
        return ((_drawn(device, 256, 512), _drawn(device, 256, 4)) for _ in range(count))

    model, peaks = _mlp(512, 8).to(device), []
    for count in (40, 400):
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        deepnrc.probe(model, batches(count), probes=["deep.noise"], progress=False)
        peaks.append(peak(device))
    print(f"Peak memory: {peaks[0]:.0f} MB after 10,240 samples, {peaks[1]:.0f} MB after 102,400.")
