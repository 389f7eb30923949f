"""One cell of a sweep: its key, its run, and its folder, which appears whole or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

import deepnrc
from deepnrc.measuring import DataFingerprint, log_spaced
from experiments.data import Split
from experiments.runner.study import Setting, Study
from experiments.runner.training import DivergedError, objective, outputs, train

FORMAT = 5  # raised when the meaning of a stored cell changes


@dataclass(frozen=True)
class Cell:
    """A setting with a seed.

    Attributes:
        key: hash of the whole configuration and of the data's content; the cell's folder is called so.
    """

    setting: Setting
    seed: int
    key: str

    @property
    def title(self) -> str:
        """How progress bars call it."""
        return f"{self.setting.label}, seed {self.seed}"


def make(setting: Setting, seed: int, data: Split) -> Cell:
    """A cell with its key."""
    content = DataFingerprint()
    content.update([data.x, data.y, data.x_test, data.y_test])
    whole = {"format": FORMAT, "seed": seed, "data": str(content), "setting": described(setting)}
    text = json.dumps(whole, sort_keys=True)
    return Cell(setting, seed, hashlib.blake2b(text.encode(), digest_size=10).hexdigest())


def described(setting: Setting) -> dict[str, Any]:
    """All that defines a setting, as plain values; what only names it, or tells it apart, is left out."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(setting), default=str))
    plain.pop("name")
    plain.pop("apart")
    kinds = {"data": type(setting.data).__name__, "network": type(setting.network).__name__}
    return {**plain, "kinds": kinds}


def plan(study: Study) -> str:
    """Hash of all that a study trains, but for the data's content: other settings or seeds make another one."""
    whole = {"format": FORMAT, "seeds": study.seeds, "settings": [described(setting) for setting in study.settings]}
    return hashlib.blake2b(json.dumps(whole, sort_keys=True).encode(), digest_size=10).hexdigest()


def done(cell: Cell, folder: Path) -> bool:
    """Whether the cell's folder is there, which it is only when whole."""
    return (folder / cell.key / "cell.json").is_file()


def run(cell: Cell, data: Split, folder: Path, threads: int, position: int | None = None) -> None:
    """Train the cell's network, probing along the way, and store its report and weights.

    A run that diverges is stored with what was measured before, and says so in its ``cell.json``.
    """
    torch.set_num_threads(threads)
    started = time.perf_counter()
    setting, recipe = cell.setting, cell.setting.recipe
    model = setting.network.build(data, cell.seed)
    steps: Any = "log" if setting.steps is None else setting.steps
    tracker = deepnrc.Tracker(model, data.loader, run=cell.title, steps=steps, **setting.probe)
    recipe = dataclasses.replace(recipe, seed=cell.seed)
    diverged = None
    tracker(0, force=True)  # outside: what fails before training is no divergence
    try:
        train(
            model,
            data.x,
            data.y,
            recipe,
            tracker,
            title=cell.title,
            position=position or 0,
            progress=position is not None,
        )
        tracker(recipe.epochs, force=True)
    except DivergedError as error:
        diverged = str(error)
    except deepnrc.DataError as error:  # the probes may meet the infinities first; their advice is for other uses
        said = str(error).split(". ")[0]
        diverged = f"{said}. Lower the learning rate ({recipe.lr:g}) or the weight decay ({recipe.weight_decay:g})."
    held_out = outputs(model, data.x_test)
    regression = data.y.is_floating_point() and diverged is None
    scratch = folder / f".{cell.key}.{platform.node()}.{os.getpid()}"
    tracker.report.save(scratch, replace=True)
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, scratch / "network.safetensors")
    record = {
        "title": cell.title,
        "seed": cell.seed,
        "label": setting.label,
        "facts": setting.facts,
        "setting": described(setting),
        "test_loss": float(objective(held_out, data.y_test, recipe.loss)),
        "test_accuracy": accuracy(held_out, data.y_test),
        "explained": explained(outputs(model, data.x), data.y, setting.probe.get("rank")) if regression else [],
        "decay_time": recipe.decay_time(len(data.x)),
        "diverged": diverged,
        "seconds": round(time.perf_counter() - started, 1),
    }
    (scratch / "cell.json").write_text(json.dumps(record, indent=2))
    if not done(cell, folder):
        shutil.rmtree(folder / cell.key, ignore_errors=True)
    _place(scratch, cell, folder)


def abandoned(scratch: Path) -> bool:
    """Whether a folder that a worker writes into was left behind: by a process of this machine that is gone."""
    machine, _, number = scratch.name.rpartition(".")
    if not machine.endswith(platform.node()) or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is somebody else's, and alive
        return False
    return False


def _place(scratch: Path, cell: Cell, folder: Path) -> None:
    """Give a whole cell its name; one that a worker of a killed sweep has stored meanwhile says the same, and stays."""
    try:
        scratch.replace(folder / cell.key)
    except OSError:
        if not done(cell, folder):
            raise
        shutil.rmtree(scratch)


def accuracy(outputs: Tensor, targets: Tensor) -> float | None:
    """Share of samples whose largest output (N, K) is their class (N,); None for targets that are no classes."""
    if targets.is_floating_point():
        return None
    return float((outputs.argmax(1) == targets).double().mean())


def explained(outputs: Tensor, targets: Tensor, rank: int | None = None) -> list[float]:
    """R^2 of the outputs (N, n) along each principal direction of the targets (N, n), the strongest first.

    Only those that carry more than 1e-9 of the first one's variance, and of these the first ``rank``; None for all.
    """
    y, residual = (z.double() - z.double().mean(0) for z in (targets, targets - outputs))
    values, vectors = torch.linalg.eigh(y.T @ y / len(y))
    there = int((values > 1e-9 * values[-1]).sum())
    chosen = there if rank is None else min(rank, there)
    missed = (residual @ vectors).square().mean(0)
    return [float(share) for share in (1 - missed / values).flip(0)[:chosen]]


def points(epochs: int) -> int:
    """How many times a cell of so many epochs is probed when log-spaced."""
    return sum(map(log_spaced, range(epochs + 1)))
