"""Minari data sets of recorded behaviour: what was observed, and what was done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.data import TensorDataset

from deepnrc.data.sources.arrays import paired
from deepnrc.data.sources.recordings.keys import chosen, flattened, side_by_side
from deepnrc.errors import DataError, UsageError, require
from deepnrc.wording import did_you_mean, listing

REMEDY = "Install it with: pip install minari h5py."


def read_episodes(
    name: str,
    dtype: torch.dtype,
    observations: Sequence[str] | str | None = None,
    actions: Sequence[str] | str | None = None,
) -> TensorDataset:
    """Observations (N, d) and the actions (N, n) taken on them, over all episodes of a local Minari data set.

    Whole-number actions (N,) are classes. The observation after an episode's last action is left out. Of
    observations in a dict `observations` chooses by key, "a/b" for nested ones; so does `actions`. The samples'
    ``groups`` are their episodes. Nothing is downloaded.
    Errors: UsageError if minari is not installed; DataError if there is no such data set, or its observations or
    actions are not plain vectors.
    """
    minari = require("minari", REMEDY)
    try:
        recorded = [(each.observations, each.actions) for each in minari.load_dataset(name).iterate_episodes()]
    except FileNotFoundError as error:
        local = list(minari.list_local_datasets())
        raise DataError(
            f"There is no local Minari data set {name!r}.{did_you_mean(name, local)} Local ones: {listing(local)}. "
            f"Download it with: minari download {name}."
        ) from error
    except ImportError as error:  # minari imports h5py only when it reads
        raise UsageError(f"Minari cannot read {name!r}: {error}. {REMEDY}") from error
    except (ValueError, OSError, KeyError) as error:
        raise DataError(f"The Minari data set {name!r} cannot be read: {type(error).__name__}: {error}") from error
    if not recorded:
        raise DataError(f"The Minari data set {name!r} has no episodes.")
    pairs = [
        _pair(_picked(x, observations, "observations", name), _picked(y, actions, "actions", name), name)
        for x, y in recorded
    ]
    x, y = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    groups = torch.repeat_interleave(torch.arange(len(pairs)), torch.tensor([len(y) for _, y in pairs]))
    return paired(x, y, dtype, name, groups=groups)


def _picked(values: Any, names: Sequence[str] | str | None, what: Literal["observations", "actions"], name: str) -> Any:
    """An array as it is; of a dict of arrays those that are asked for, or the only one."""
    if not isinstance(values, Mapping):
        if names:
            raise UsageError(f"The {what} of {name!r} are one array: there is nothing to choose in it. Leave it out.")
        return values
    held = flattened(values)
    keys = chosen(held, names, what, name)
    return side_by_side([np.asarray(held[key]) for key in keys], keys, name)


def _pair(x: Any, y: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """What was observed (T, d) before each of an episode's T actions, and these."""
    for what, values in (("observations", x), ("actions", y)):
        if not isinstance(values, np.ndarray) or values.ndim > 2 or (what == "observations" and values.ndim != 2):
            shape = values.shape if isinstance(values, np.ndarray) else type(values).__name__
            raise DataError(
                f"The {what} of {name!r} are {shape}, not one vector for each step. "
                "Flatten them in a factory of your own: path/to/file.py:factory."
            )
    if len(x) != len(y) + 1:
        raise DataError(f"An episode of {name!r} has {len(x)} observations and {len(y)} actions; one more is needed.")
    return x[:-1], y
