"""Where numbers came from: versions, arguments, and fingerprints of network and data."""

from __future__ import annotations

import datetime
import hashlib
import platform
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepnrc._version import __version__
from deepnrc.networks import Choice, dense
from deepnrc.table import as_record, plain
from probes import CATALOG, Probe

NOT_TOLD = {"remembered", "progress", "held_out", "device", "distributed", "memory"}
LONG = 1000  # characters up to which an argument is told as it is


def record(
    model: nn.Module,
    arguments: dict[str, object],
    choice: Choice,
    probes: Iterable[Probe],
    seconds: float,
    run: str,
    step: int,
) -> dict[str, Any]:
    """The provenance of one measurement, as plain values that JSON can hold."""
    first = next(model.parameters(), None)
    return {
        "run": run,
        "step": step,
        "created": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "device": "cpu" if first is None else str(first.device),
        "arguments": {name: plain(value) for name, value in arguments.items()},
        "model": {
            "class": class_of(model),
            "parameters": sum(p.numel() for p in model.parameters()),
            "shapes": shapes(model),
            "fingerprint": fingerprint(model),
        },
        "left_out": [list(pair) for pair in choice.left_out],
        "probes": [as_record(probe) for probe in probes if probe not in CATALOG],
        "weights": {site.name: site.weight.note for site in choice.sites if site.weight and site.weight.note},
        "versions": {
            "deepnrc": __version__,
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }


def called(model: nn.Module, run: str | None) -> str:
    """What a run is called: as it is named, or as the network's class."""
    return type(model).__name__ if run is None else str(run)


def fingerprint(model: nn.Module) -> str:
    """Hash of every parameter and buffer: names, shapes, dtypes and bytes."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in model.state_dict().items():
        if isinstance(value, Tensor):
            digest.update(f"{name}{tuple(value.shape)}{value.dtype}".encode())
            digest.update(_bytes(value))
    return digest.hexdigest()


def class_of(model: nn.Module) -> str:
    """A network's class, with the module that it was defined in."""
    return f"{_module(model)}.{type(model).__qualname__}"


def shapes(model: nn.Module) -> str:
    """Hash of the names and shapes of every parameter and buffer, which training leaves as they are."""
    held = [(name, tuple(value.shape)) for name, value in model.state_dict().items() if isinstance(value, Tensor)]
    return hashlib.blake2b(repr(held).encode(), digest_size=8).hexdigest()


def told(options: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of ``probe`` as a record holds them: those that change what is measured; data have their fingerprints,
    and what is long its hash."""
    return {name: _brief(plain(value)) for name, value in sorted(options.items()) if name not in NOT_TOLD}


def _brief(value: Any) -> Any:
    text = repr(value)
    return value if len(text) <= LONG else f"blake2b:{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"


def _module(model: nn.Module) -> str:
    """Where the class was defined, without the hash of the path under which a factory's file was loaded."""
    return re.sub(r"^_deepnrc_(.+)_[0-9a-f]{12}$", r"\1", type(model).__module__)


class DataFingerprint:
    """Checksums of inputs and of targets over a pass; the order of samples changes them, the batch size does not."""

    def __init__(self) -> None:
        self._sums: dict[int, int] = {}

    def update(self, tensors: Iterable[Tensor]) -> None:
        """Take in one batch: its tensors, always in the same order."""
        for position, tensor in enumerate(tensors):
            self._sums[position] = zlib.crc32(_bytes(tensor), self._sums.get(position, 0))

    def __str__(self) -> str:
        return "crc32:" + "-".join(f"{value:08x}" for value in self._sums.values())


def _bytes(tensor: Tensor) -> memoryview:
    flat = dense(tensor).cpu().contiguous().reshape(-1)
    flat = flat.as_strided(flat.shape, (1,))  # of a single row of a slice any stride passes for contiguous
    return flat.view(torch.uint8).numpy().data if flat.numel() else memoryview(b"")
