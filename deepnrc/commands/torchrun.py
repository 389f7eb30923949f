"""The process group of a command that torchrun started."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def together() -> Iterator[bool]:
    """Join the processes that torchrun started beside this one, if it did; whether this is the one that prints and
    saves."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or "RANK" not in os.environ:
        yield True
        return
    from torch import cuda, distributed

    if cuda.is_available():
        cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % cuda.device_count())
    distributed.init_process_group("cpu:gloo,cuda:nccl" if cuda.is_available() else "gloo")
    try:
        yield distributed.get_rank() == 0
    finally:
        distributed.destroy_process_group()
