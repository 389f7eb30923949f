"""Time and place: seconds that wait for an accelerator to be done, and the device that a benchmark runs on."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import torch

from deepnrc import UsageError

CPU = torch.device("cpu")


def seconds() -> float:
    """Wall time in seconds, once everything that was asked of an accelerator is done."""
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
    return time.perf_counter()


def cpu_seconds(device: torch.device) -> Callable[[], float]:
    """Processor time, which another program does not lengthen; on an accelerator ``seconds``."""
    return time.process_time if device == CPU else seconds


def placed(name: str | None) -> torch.device:
    """The device of that name, the CPU without one. Errors: UsageError for one that is not there."""
    try:
        device = torch.device(name or "cpu")
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"There is no device {name!r} here ({error}). Name one that torch finds, or none.") from error
    if device.type != "cpu" and device.index is not None:
        torch.accelerator.set_device_index(device.index)  # the one that is waited for
    return device


def peak(device: torch.device) -> float:
    """Peak memory in MB: of the process on the CPU, of torch's tensors on an accelerator."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
