"""Batches of a loader on their way to the network: cut, checked, copied and moved."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader, Dataset, SequentialSampler, TensorDataset

from deepnrc.data.reading import PAIRED, Reader, is_graph
from deepnrc.data.targets import as_tensor
from deepnrc.errors import DataError, UsageError, mark
from deepnrc.wording import Argument


class Samples(TensorDataset):
    """Inputs (N, ...) beside targets (N, n) or classes (N,), with what is known of them.

    Attributes:
        target_resolution: half a unit of the last digit of each target (n,), 0 where it is exact; None if unknown.
        groups: the number of the episode that each sample belongs to (N,); None if they are independent.
    """

    def __init__(self, x: Tensor, y: Tensor, resolution: Tensor | None = None, groups: Tensor | None = None) -> None:
        super().__init__(x, y)
        self.target_resolution, self.groups = resolution, groups


def as_loader(data: object, batch_size: int = 1024) -> Iterable[Any]:
    """A loader as it is; a pair of whole tensors or arrays (X, Y) in batches."""
    if isinstance(data, tuple) and len(data) == 2 and all(isinstance(part, Tensor | np.ndarray) for part in data):
        X, Y = (_dense(part, name) for part, name in zip(data, "XY", strict=True))
        if not X.ndim or not Y.ndim or len(X) != len(Y):
            raise UsageError(f"X has shape {tuple(X.shape)} and Y {tuple(Y.shape)}: they need the same number of rows.")
        return whole_batches(TensorDataset(X, Y), batch_size)
    if isinstance(data, list) and len(data) == 2 and all(isinstance(part, Tensor | np.ndarray) for part in data):
        raise UsageError("A list [X, Y] is two batches. Give whole tensors as a tuple: (X, Y).")
    if isinstance(data, Dataset) and not isinstance(data, Iterable):
        raise UsageError(
            f"A {type(data).__name__} gives single samples. Put it in a loader: DataLoader(dataset, batch_size=1024)."
        )
    if not isinstance(data, Iterable):
        raise UsageError(f"{PAIRED}; {type(data).__name__} cannot be iterated over. A pair (X, Y) of tensors does too.")
    return data


def whole_batches(dataset: TensorDataset, batch_size: int) -> DataLoader[tuple[Tensor, ...]]:
    """A loader that takes each batch by its indices: sample by sample costs more than what a small network computes."""
    return DataLoader(dataset, sampler=BatchSampler(SequentialSampler(dataset), batch_size, False), batch_size=None)


def pairs(
    loader: Iterable[Any],
    device: torch.device,
    max_samples: int | None = None,
    read: Callable[[Any, int], tuple[Any, Any]] | None = None,
) -> Iterator[tuple[Any, Any, int]]:
    """The loader's batches as (input, targets, rows) on ``device``, cut to ``max_samples`` rows in all.

    ``read`` takes a batch and its number and gives (input, target); a ``Reader`` if it is not given. Inputs are copies,
    unless a DataLoader made them anew: a network may change its input in place.
    """
    read = read or Reader()
    left = max_samples
    moved = partial(_moved, device=device, copy=not isinstance(loader, DataLoader))
    for number, x, y in _drawn(loader, read):
        x = mapped(partial(_dense, what=f"An input of batch {number}"), x)
        y = _dense(y, f"The target of batch {number}")
        rows = len(y) if y.ndim else 0
        if left is not None and rows > left:
            x, y = _cut(x, rows, left), y[:left]
            rows = left
        _check_finite(x, number)
        yield mapped(moved, x), y, rows
        if left is not None:
            left -= rows
            if left <= 0:
                return


def _drawn(loader: Iterable[Any], read: Callable[[Any, int], tuple[Any, Any]]) -> Iterator[tuple[int, Any, Any]]:
    """What the loader yields, as (number, input, targets); its own errors go on as they are, marked as the data's."""
    try:
        for number, batch in enumerate(loader, 1):
            yield number, *read(batch, number)
    except Exception as error:
        mark(error, "data")
        raise


def _dense(given: object, what: str) -> Tensor:
    made = as_tensor(given, what)
    if made.layout != torch.strided:
        raise UsageError(f"{what} is a sparse tensor ({made.layout}). Make it dense with to_dense() first.")
    return made


def target_resolution(loader: object) -> Any:
    """What a loader or its data set, or that which it is a part of, says of the last written digit of its targets."""
    found = None
    while loader is not None and found is None:
        found = getattr(loader, "target_resolution", None)
        loader = getattr(loader, "dataset", None)
    return found


def count(loader: object) -> int | None:
    """How many batches the loader has, if it knows: a DataLoader over a stream has a length in name only."""
    try:
        return len(loader)  # type: ignore[arg-type]
    except (TypeError, NotImplementedError):
        return None


def _cut(x: Any, rows: int, keep: int) -> Any:
    """The first rows of every tensor that has a row a sample, and the first items of a list of samples."""
    if is_graph(x) or (isinstance(x, Mapping) and "edge_index" in x):
        raise UsageError(
            Argument("max_samples"),
            f" would take {keep} of a batch of {rows} rows of graphs, which cannot be cut. Leave it out, or let it end "
            "with a batch.",
        )
    if isinstance(x, tuple) and len(x) == 1 and isinstance(x[0], list | tuple) and len(x[0]) == rows:
        return (x[0][:keep],)
    return mapped(lambda t: t[:keep] if t.ndim and len(t) == rows else t, x)


def _moved(t: Tensor, device: torch.device, copy: bool) -> Tensor:
    # towards the CPU, non_blocking would return before the copy is made
    return t.to(device, non_blocking=device.type == "cuda", copy=copy)


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """Apply a function to every tensor or array in nested tuples, lists, mappings and graphs; leave the rest as is."""
    if is_graph(value):
        return copy.copy(value).apply(function)
    if isinstance(value, Mapping):
        return {key: mapped(function, item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return (
            type(value)(mapped(function, item) for item in value)
            if type(value) in (tuple, list)
            else tuple(mapped(function, item) for item in value)
        )
    return function(value) if isinstance(value, Tensor | np.ndarray) else value


def tensors(value: Any) -> list[Tensor]:
    """Every tensor in nested tuples, lists and mappings, in order."""
    found: list[Tensor] = []
    mapped(found.append, value)
    return found


def call(model: nn.Module, x: Any) -> Any:
    """Run the network on one batch: a tuple or list as positional arguments, a mapping as keyword arguments."""
    if isinstance(x, Mapping):
        return model(**x)
    return model(*x) if isinstance(x, tuple | list) else model(x)


def _check_finite(x: Any, number: int) -> None:
    for tensor in tensors(x):
        # one sum is cheap, and NaN or infinity survive it; only a sum that overflows needs the closer look
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.sum())):
            bad = int((~torch.isfinite(tensor)).sum())
            if bad:
                raise DataError(f"The inputs of batch {number} hold {bad} NaN or infinite values. Clean them first.")
