"""Statistics brought to the CPU, where measures are read off them."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import replace
from types import FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor

from deepnrc.measuring.streaming.layerstream import LayerStream
from deepnrc.measuring.streaming.streams import Streams

CPU = torch.device("cpu")


def at_home(streams: Streams) -> Streams:
    """The same streams with all statistics on the CPU; themselves if they are there already.

    What a layer's statistics hold stays where its features come while samples stream; read are they where targets,
    outputs and weights can meet, whatever device each came from.
    """
    parts = [streams.network, *streams.parts]
    places = {layer.device for layer in streams.layers.values()}
    places |= {part.residuals.mean.device for part in parts if part.residuals is not None}
    if places <= {CPU}:
        return streams
    made = copy.copy(streams)
    made.layers = {key: _layer(layer) for key, layer in streams.layers.items()}
    made.network, *made.parts = (moved(part, {}) for part in parts)
    made.resolution = moved(streams.resolution, {})
    return made


def _layer(layer: LayerStream) -> LayerStream:
    seen: dict[int, tuple[Any, Any]] = {}
    statistics, groups, fitted = (moved(held, seen) for held in (layer.statistics, layer.groups, layer.fitted))
    return replace(layer, device=CPU, statistics=statistics, groups=groups, fitted=fitted, waiting={})


def moved(held: Any, seen: dict[int, tuple[Any, Any]]) -> Any:
    """A copy of a statistic, or of what holds some, whose tensors and devices are the CPU's.

    Args:
        seen: by address what was met before and its copy, so that what is met twice stays one.
    """
    if id(held) in seen:
        return seen[id(held)][1]
    if isinstance(held, Tensor):
        made: Any = held.to(CPU)
    elif isinstance(held, torch.device):
        made = CPU
    elif isinstance(held, tuple):
        parts = [moved(value, seen) for value in held]
        made = type(held)(*parts) if hasattr(held, "_fields") else type(held)(parts)
    elif isinstance(held, list | deque):
        made = copy.copy(held)
        made.clear()
        made.extend(moved(value, seen) for value in held)
    elif isinstance(held, MutableMapping):
        made = copy.copy(held)
        made.update({key: moved(value, seen) for key, value in held.items()})
    elif isinstance(held, Mapping):
        made = {key: moved(value, seen) for key, value in held.items()}
    else:
        return _object(held, seen)
    seen[id(held)] = held, made
    return made


def _object(held: Any, seen: dict[int, tuple[Any, Any]]) -> Any:
    """The same of any other object: by its attributes, if it has some that can be copied."""
    own = list(getattr(held, "__dict__", ()))
    slots = [name for kind in type(held).__mro__ for name in _names(vars(kind).get("__slots__", ()))]
    kept = [name for name in dict.fromkeys([*own, *slots]) if hasattr(held, name)]
    if isinstance(held, type | ModuleType | FunctionType) or not kept:
        return held
    try:
        made = copy.copy(held)
    except TypeError:  # a file, a lock: no part of what was measured
        return held
    seen[id(held)] = held, made
    for name in kept:
        object.__setattr__(made, name, moved(getattr(held, name), seen))
    return made


def _names(slots: str | Iterable[str]) -> list[str]:
    return [name for name in ([slots] if isinstance(slots, str) else slots) if name not in ("__dict__", "__weakref__")]
