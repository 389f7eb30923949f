"""The trained networks of a study, read once more: from the cells that are there, and in another way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

import deepnrc
from experiments.runner import cells
from experiments.runner.results import Results, beside, told_of
from experiments.runner.study import Setting, Study


def stored(study: Study, folder: Path) -> tuple[Results | None, str]:
    """The results of the seeds whose every cell is in the study's folder, None if no seed has all of its; and a
    sentence on the others, "" for none."""
    planned = {
        seed: [cells.make(setting, seed, setting.data.load(seed)) for setting in study.settings] for seed in study.seeds
    }
    store = folder / "cells"
    whole = {seed: mine for seed, mine in planned.items() if all(cells.done(cell, store) for cell in mine)}
    missing = sum(not cells.done(cell, store) for mine in planned.values() for cell in mine)
    every = len(study.settings) * len(study.seeds)
    said = f"{study.name}: {missing} of {every} cells are missing." if missing else ""
    if not whole:
        return None, said
    kept = [cell for setting in zip(*whole.values(), strict=True) for cell in setting]
    return Results.read(replace(study, seeds=tuple(whole)), kept, store), said


def reread(results: Results, label: str, *, held_out: bool = False, **changed: Any) -> Results:
    """The results of one setting whose stored networks are probed anew, after training alone, with other arguments of
    ``deepnrc.probe`` than the setting has; cells that diverged stay as they are.

    Args:
        held_out: read the held-out samples of each seed too.
    """
    setting = next(setting for setting in results.study.settings if setting.label == label)
    mine = results.only(label)
    reports = []
    for record, folder, before in zip(mine.records, mine.folders, mine.reports, strict=True):
        report = before if record["diverged"] else _probed(setting, record, folder, held_out, changed)
        reports.append(report)
    told = [told_of(setting, record) for record in mine.records]
    return replace(mine, table=beside(reports, told), reports=tuple(reports))


def _probed(
    setting: Setting, record: Mapping[str, Any], folder: Path, held_out: bool, changed: Mapping[str, Any]
) -> deepnrc.Report:
    data = setting.data.load(record["seed"])
    model = setting.network.build(data, record["seed"])
    model.load_state_dict(load_file(folder / "network.safetensors"))
    others = {"held_out": (data.x_test, data.y_test)} if held_out else {}
    options = {**setting.probe, **others, **changed}
    return deepnrc.probe(model, data.loader, run=record["title"], progress=False, **options)
