"""The trained networks of a setting, read once more in another way."""

from __future__ import annotations

from typing import Any

from safetensors.torch import load_file

import deepnrc
from deepnrc.table import join
from experiments.runner.results import Results


def reread(results: Results, label: str, **changed: Any) -> deepnrc.Report:
    """Probe the stored networks of a setting anew, with other arguments of ``deepnrc.probe`` than the setting has.

    Returns: a run a seed, called as in ``results.report``; cells that diverged are left out.
    """
    setting = next(setting for setting in results.study.settings if setting.label == label)
    found = []
    for record, folder in zip(results.records, results.folders, strict=True):
        if record["label"] != label or record["diverged"]:
            continue
        data = setting.data.load(record["seed"])
        model = setting.network.build(data, record["seed"])
        model.load_state_dict(load_file(folder / "network.safetensors"))
        options = {**setting.probe, **changed}
        found.append(deepnrc.probe(model, data.loader, run=record["title"], progress=False, **options))
    return join(found)
