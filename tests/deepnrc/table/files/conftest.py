"""A report with every missing thing that a table may hold, and a folder that it is saved in."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from deepnrc import Report
from deepnrc.measuring.finishing import readings
from deepnrc.table import COLUMNS


def made(run: str = "a", step: int = 0, values: tuple[float, ...] = (0.25, np.nan, np.inf, -0.0)) -> Report:
    """A row for each value; every missing thing that a table may hold is in it."""
    rows = [
        {name: "" if kind == "str" else None for name, kind in COLUMNS.items()}
        | dict.fromkeys(["depth", "n_samples", "dim", "target_dim"], i)
        | {"run": run, "step": step, "layer": str(i), "measure": "m", "variant": "default", "status": "ok"}
        | {
            "value": value,
            "rank": None if i % 2 else 3,
            "chance": None,
            "chance_high": None,
            "corrected": None,
            "low": None,
            "high": None,
            "floor": 1e-300,
            "note": "β, \"'",
        }
        for i, value in enumerate(values)
    ]
    record = {"run": run, "step": step, "arguments": {"rank": None, "layers": ["a", "b"]}}
    place = {"run": run, "step": step, "depth": 0, "layer": "0"}
    eigenvalues = torch.tensor([*np.abs(values), 1e-300], dtype=torch.float64)
    return Report.of(
        rows, [record], readings.frame([readings.SpectralReading("features", eigenvalues, np.nan, None, place)])
    )


@pytest.fixture
def report() -> Callable[..., Report]:
    return made


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return made().save(tmp_path / "saved")
