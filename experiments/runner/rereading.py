"""The trained networks of a setting, read once more in another way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors.torch import load_file

import deepnrc
from experiments.runner.results import Results
from experiments.runner.study import Setting


def reread(results: Results, label: str, **changed: Any) -> Results:
    """The results of one setting whose stored networks are probed anew, after training alone, with other arguments of
    ``deepnrc.probe`` than the setting has; cells that diverged stay as they are."""
    setting = next(setting for setting in results.study.settings if setting.label == label)
    mine = results.only(label)
    reports, parts = [], []
    for record, folder, before in zip(mine.records, mine.folders, mine.reports, strict=True):
        report = before if record["diverged"] else _probed(setting, record, folder, changed)
        told = {"setting": label, "seed": record["seed"], "diverged": record["diverged"] is not None}
        parts.append(report.table.assign(**told, **setting.facts))
        reports.append(report)
    return replace(mine, table=pd.concat(parts, ignore_index=True), reports=tuple(reports))


def _probed(setting: Setting, record: Mapping[str, Any], folder: Path, changed: Mapping[str, Any]) -> deepnrc.Report:
    data = setting.data.load(record["seed"])
    model = setting.network.build(data, record["seed"])
    model.load_state_dict(load_file(folder / "network.safetensors"))
    options = {**setting.probe, **changed}
    return deepnrc.probe(model, data.loader, run=record["title"], progress=False, **options)
