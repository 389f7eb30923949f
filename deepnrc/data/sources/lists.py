"""Tables whose cells are vectors, as LeRobot's are, and what such a table says of its episodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from deepnrc.errors import DataError

EPISODE, FRAME = "episode_index", "frame_index"
BOOKKEEPING = ("timestamp", FRAME, EPISODE, "index", "task_index", "next.reward", "next.done", "next.success")


def spread(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The table with a column for each entry of a column of vectors, "action[0]" and so on.

    Errors: DataError if the vectors of a column differ in length, or hold no numbers.
    """
    columns: dict[str, Any] = {}
    for name in frame.columns:
        values = frame[name]
        if not isinstance(values.iloc[0], list | tuple | np.ndarray):
            columns[name] = values.to_numpy()
            continue
        try:
            vectors = np.stack([np.asarray(cell) for cell in values])
        except ValueError as error:
            raise DataError(f"The column {name!r} of '{path}' holds lists of different lengths.") from error
        if vectors.ndim != 2 or vectors.dtype.kind not in "fiub":
            raise DataError(f"The column {name!r} of '{path}' holds {vectors.dtype} {vectors.shape[1:]}, not vectors.")
        columns |= {f"{name}[{entry}]": vectors[:, entry] for entry in range(vectors.shape[1])}
    return pd.DataFrame(columns, index=frame.index)


def bookkeeping(frame: pd.DataFrame) -> list[str]:
    """The columns that LeRobot adds to what was recorded; none in other tables."""
    return [name for name in BOOKKEEPING if name in frame] if {EPISODE, FRAME} <= set(frame.columns) else []


def groups(frame: pd.DataFrame) -> Tensor | None:
    """The number of each row's episode (N,), as they follow each other; None in other tables than LeRobot's."""
    return torch.from_numpy(pd.factorize(frame[EPISODE])[0]) if bookkeeping(frame) else None
