"""The recorded pairs in the folder beside this file: what MuJoCo experts saw and did."""

from difflib import get_close_matches
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parent / "recordings"


def names() -> list[str]:
    """Names that ``load`` knows, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*_*k.npz"))


def load(name: str) -> tuple[Tensor, Tensor]:
    """Raw observations x (N, d) and executed expert actions y (N, n), both float32, of one shipped recording.

    ``name`` is one of ``names()``, such as "swimmer_1k"; any other is refused with a ValueError.
    """
    if name not in names():
        near = get_close_matches(name, names(), n=2)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"No shipped data is named {name!r}.{hint} There are: {', '.join(names())}.")
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        return torch.from_numpy(file["x"]), torch.from_numpy(file["y"])
