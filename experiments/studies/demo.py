"""The main job on real data: watch an imitation-learning network collapse, with weight decay and without."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import joblib
import numpy as np
import torch
from safetensors.torch import save_file
from tyro.conf import arg

import deepnrc
from deepnrc.errors import UsageError
from deepnrc.summary import verdict
from deepnrc.table import COLLAPSE, join
from experiments.data import Split, load, split
from experiments.networks import mlp
from experiments.runner import Recipe, train

GAIN = 1.6  # of the initial weights


@dataclass(frozen=True)
class Demo:
    """Train a 6-hidden-layer network on a MuJoCo expert's actions, with weight decay and without, and picture both.

    It has no biases, and its targets are positive: those of both signs would take ReLU features one direction more than
    there are targets. Initial weights are 1.6 times torch's: without weight decay to shrink what chance put there, the
    last weight stays out of line with the features, and the network is not collapsed however well it fits.
    """

    takes: ClassVar[str] = "1 minute"

    data: Annotated[str, arg(help="A shipped recording.")] = "swimmer_1k"
    weight_decay: Annotated[tuple[float, ...], arg(help="One network is trained for each.")] = (3e-3, 0.0)
    width: Annotated[int, arg(help="Of each hidden layer.")] = 128
    depth: Annotated[int, arg(help="Hidden layers.")] = 6
    epochs: Annotated[int, arg(help="Passes over the training pairs.")] = 1000
    lr: Annotated[float, arg(help="Learning rate of SGD with momentum 0.9; cut tenfold twice.")] = 0.05
    seed: Annotated[int, arg(help="Of weights, split and order.")] = 0
    jobs: Annotated[int, arg(help="Networks trained side by side.")] = 2
    out: Annotated[Path, arg(help="Folder for tables, pictures and the page.")] = Path("demo")
    progress: Annotated[bool, arg(help="Show progress bars.")] = True

    def run(self) -> None:
        """Train, probe, draw, and say what came out."""
        started = time.perf_counter()
        self._refuse()
        decays = " and ".join(f"{decay:g}" for decay in self.weight_decay)
        print(
            f"Training a network on {self.data} with weight decay {decays}, which takes a minute or two, and probing."
        )
        sys.stdout.flush()
        cells = [joblib.delayed(trained)(self, decay, i) for i, decay in enumerate(self.weight_decay)]
        report = join(joblib.Parallel(n_jobs=min(self.jobs, len(cells)))(cells))
        files = self.draw(report)
        print("\n" * len(cells))
        print("; ".join(f"{run}: {standing(report, run)}" for run in report.runs) + ".\n")
        for run in report.runs:
            print(f"{run}\n  " + "\n  ".join(verdict(report, run)))
        print(f"\nDone in {time.perf_counter() - started:.0f} s. Open:")
        for path, what in files.items():
            print(f"  {path}  {what}")

    def _refuse(self) -> None:
        """Say what is wrong before any worker starts."""
        for name in ("epochs", "jobs"):
            if getattr(self, name) < 1:
                raise UsageError(f"--{name} must be at least 1; it is {getattr(self, name)}.")
        if not self.weight_decay:
            raise UsageError("--weight-decay needs at least one value.")
        if len({f"{decay:g}" for decay in self.weight_decay}) < len(self.weight_decay):
            raise UsageError(f"--weight-decay has the same value twice: {self.weight_decay}.")
        load(self.data)

    def draw(self, report: deepnrc.Report) -> dict[Path, str]:
        """Write everything into ``out``; the files to open, with what they show."""
        report.save(self.out / "report", replace=True)
        data = pairs(self)
        np.savez_compressed(self.out / "data.npz", x=data.x.numpy(), y=data.y.numpy())
        report.heatmap("deep.noise_fraction", path=self.out / "noise.png")
        report.heatmap("deep.feature_stable_rank", path=self.out / "stable-rank.png")
        report.overview(path=self.out / "overview.png")
        page = report.html(self.out / "report.html", f"Collapse of an imitation-learning network: {self.data}")
        return {
            page: "everything on one page",
            self.out / "noise.png": "noise fraction, layers x training",
            self.out / "stable-rank.png": "how many directions each layer uses",
            self.out / "overview.png": "all measures by depth, after training",
        }


def standing(report: deepnrc.Report, run: str) -> str:
    """Whether a run's network is collapsed after training, by the definition of ``Report.verdicts``."""
    starts = report.at(run=run).onset().set_index("rule")
    if COLLAPSE not in starts.index:
        return "cannot be judged"
    layer, layers, of = (str(starts[name].astype("string").fillna("")[COLLAPSE]) for name in ("layer", "layers", "of"))
    return f"collapsed from {layer} on ({layers} of {of} layers)" if layer else "not collapsed"


def trained(demo: Demo, weight_decay: float, position: int) -> deepnrc.Report:
    """Train one network on one thread, and return what was read along the way."""
    torch.set_num_threads(1)
    data, model = pairs(demo), network(demo)
    run = f"weight decay {weight_decay:g}"
    name = run.replace(" ", "-")
    tracker = deepnrc.Tracker(model, (data.x, data.y), run=run, folder=demo.out / "runs" / name, replace=True)
    recipe = Recipe(lr=demo.lr, weight_decay=weight_decay, epochs=demo.epochs, seed=demo.seed)
    train(model, data.x, data.y, recipe, tracker, title=run, position=position, progress=demo.progress)
    tracker(demo.epochs, force=True)
    save_file(model.state_dict(), demo.out / "runs" / f"{name}.safetensors")
    return tracker.report


def pairs(demo: Demo) -> Split:
    """The recording, a fifth of it held out, with standardised inputs and positive targets."""
    return split(*load(demo.data), targets="positive", seed=demo.seed)


def network(demo: Demo | None = None) -> torch.nn.Module:
    """The demo's network, untrained; for the command line too: `deepnrc probe experiments.studies.demo:network ...`."""
    demo = Demo() if demo is None else demo
    x, y = load(demo.data)
    hidden = [demo.width] * demo.depth
    return mlp(x.shape[1], y.shape[1], hidden=hidden, bias=False, gain=GAIN, seed=demo.seed)
