"""What a loader yields, read as (input, target): pairs, dicts with labels, graphs, or what the user says it is."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from deepnrc.data.parts import SAY, Batch, contents, parting
from deepnrc.data.signatures import signature
from deepnrc.errors import UsageError
from deepnrc.wording import Remedy, listing

LABELS = ("labels", "label")
MASKS = ("train_mask", "val_mask", "test_mask")
OF_GRAPHS = ("edge_attr", "edge_weight", "pos", "batch")
PAIRED = (
    "A loader must yield (input, target) pairs, where input is a tensor, a tuple, or a dict of keyword arguments, or "
    "dicts with labels"
)


def is_graph(value: object) -> bool:
    """Whether this is torch-geometric's Data or Batch, or has what they have."""
    return not isinstance(value, Tensor | Mapping) and all(hasattr(value, name) for name in ("edge_index", "y", "keys"))


class Reader:
    """Reads the batches of one loader as (input, target), the input in the form in which the network is called.

    A tuple or list is positional arguments, a mapping keyword arguments, anything else one argument. Unless ``batch``
    says otherwise, a pair is (input, target); a mapping is its ``labels`` or ``label`` and the rest; a graph is its
    ``y`` and those parts that forward names, or itself. A list as input is one argument or several: as many as fit
    forward, and if both fit, one where no item has a row for each target, but is a sample.
    Errors: UsageError, with a word on ``batch``, for what is none of these or can be read in two ways.
    """

    def __init__(self, batch: Batch = None, model: nn.Module | None = None) -> None:
        self._parting = parting(batch)
        self._forward = signature(model)
        self._together: bool | None = None
        self._warned = self._masked = False

    def __call__(self, batch: Any, number: int) -> tuple[Any, Any]:
        x, y = self._parting(batch, number) if self._parting else self._usual(batch, number)
        if isinstance(y, Mapping):
            first = next(iter(y), "name")
            raise UsageError(
                f"The target of batch {number} is a dict{contents(y)}. Choose by name: ",
                Remedy("batch", (0, f"1.{first}")),
                f" takes the first of a pair and {first!r} of the second; a list of names puts targets side by side.",
            )
        return self._called(x, y, number), y

    def _usual(self, batch: Any, number: int) -> tuple[Any, Any]:
        if isinstance(batch, list | tuple) and len(batch) == 2:
            return batch[0], batch[1]
        if isinstance(batch, Mapping):
            return self._labelled(batch, number)
        if is_graph(batch):
            return self._graph(batch, number), batch.y
        size = f" of {len(batch)}" if isinstance(batch, list | tuple) else ""
        raise UsageError(f"{PAIRED}; batch {number} is a {type(batch).__name__}{size}{contents(batch)}. ", *SAY)

    def _labelled(self, batch: Mapping[str, Any], number: int) -> tuple[Any, Any]:
        present = [name for name in LABELS if name in batch]
        if len(present) != 1:
            held = "both labels and label" if present else "neither labels nor label"
            raise UsageError(
                f"{PAIRED}; batch {number} is a {type(batch).__name__} with {held}{contents(batch)}. ",
                *SAY,
            )
        rest = {name: value for name, value in batch.items() if name != present[0]}
        unknown = [] if self._forward.open else [name for name in rest if name not in self._forward.named]
        if unknown and len(rest) == 1 and self._forward.takes(1):
            return rest[unknown[0]], batch[present[0]]
        if unknown:
            raise UsageError(
                f"Batch {number} holds {listing(unknown)}, which the network's forward does not take; it takes "
                f"{listing(sorted(self._forward.named))}. ",
                *SAY,
            )
        return rest, batch[present[0]]

    def _graph(self, graph: Any, number: int) -> Any:
        if graph.y is None:
            raise UsageError(f"The graphs of batch {number} have no y. ", *SAY)
        names = graph.keys() if callable(graph.keys) else graph.keys
        parts = {name: graph[name] for name in names if name != "y"}
        forward = self._forward
        self._say_masks([name for name in MASKS if name in parts and name not in forward.named])
        taken = {name: value for name, value in parts.items() if name in forward.named}
        if set(taken) <= {"batch"} and forward.takes(1) and not forward.open:
            return graph
        if forward.open or not forward.required <= set(taken):
            raise UsageError(
                f"The graphs of batch {number} hold {listing(list(parts))}, and the network's forward takes "
                f"{'any names' if forward.open else listing(sorted(forward.named))}. ",
                *SAY,
            )
        over = [name for name in OF_GRAPHS if name in parts and name not in taken]
        unfilled = sorted(forward.named - set(taken))
        if over and unfilled and not self._warned:
            self._warned = True
            warnings.warn(
                f"The graphs hold {listing(over)}, which the network's forward has no argument for, while its "
                f"{listing(unfilled)} stays at the default. If one is meant for the other, say so: batch=function, "
                "which takes the batch and returns (input, target).",
                stacklevel=2,
            )
        return taken

    def _say_masks(self, unused: list[str]) -> None:
        """Warn of the masks that part a graph's nodes into training, validation and test, if they are not used."""
        if unused and not self._masked:
            self._masked = True
            warnings.warn(
                f"The graphs hold {listing(unused)}, which are not used: all nodes are samples. To measure some, give "
                "batch=function, which takes the batch and returns (input, target), such as those of "
                f"data.subgraph(data.{unused[0]}), which has no edges to the other nodes.",
                stacklevel=2,
            )

    def _called(self, x: Any, y: Any, number: int) -> Any:
        """The input, a list or tuple of samples made one argument, and a mapping whose names are not forward's."""
        if isinstance(x, Mapping):
            return self._named(x, number)
        rows = len(y) if hasattr(y, "__len__") and getattr(y, "ndim", None) != 0 else None
        if isinstance(x, tuple):  # as detection's collate functions give images
            fits = self._forward.takes(len(x)) or not self._forward.takes(1) or len(x) != rows
            return x if fits else (x,)
        if not isinstance(x, list):
            return x
        if self._together is None:
            self._together = self._is_one_argument(x, rows, number)
        return (x,) if self._together else x

    def _named(self, x: Mapping[str, Any], number: int) -> Any:
        unknown = [] if self._forward.open else [str(name) for name in x if name not in self._forward.named]
        if unknown and len(unknown) == len(x) and self._forward.takes(1):
            return (x,)
        if unknown:
            raise UsageError(
                f"The input of batch {number} is a dict{contents(x)}, and the network's forward takes no "
                f"{listing(unknown)} by name; it takes {listing(sorted(self._forward.named))}. For the dict as one "
                "argument let the loader give ((input,), target), for its parts in an order of your own a tuple; or ",
                Remedy("batch"),
                " is a function that takes the batch and returns such a pair.",
            )
        return x

    def _is_one_argument(self, x: list[Any], rows: int | None, number: int) -> bool:
        together, apart = self._forward.takes(1), self._forward.takes(len(x))
        if together != apart:
            return together
        by_row = [isinstance(item, Tensor | np.ndarray) and item.ndim > 0 and len(item) == rows for item in x]
        if len(x) != rows or (len(x) == 1 and all(by_row)):
            return False
        if not any(by_row):
            return True
        raise UsageError(
            f"The input of batch {number} is a list of {len(x)} for {rows} targets: it could be one argument with a "
            "sample in each item, or as many arguments. Give batch=function, which takes the batch and returns "
            "((items,), target) for one argument, or (tuple(items), target) for several."
        )
