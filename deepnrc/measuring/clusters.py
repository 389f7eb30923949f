"""joblib's backends, by name."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepnrc.errors import UsageError
from deepnrc.wording import Argument, Remedy

BACKENDS = ("loky", "dask", "ray")
CONNECT = 20  # seconds to wait for a scheduler


@contextlib.contextmanager
def backend(name: str, jobs: int, scheduler: str | Path | None = None) -> Iterator[None]:
    """Let joblib run on "loky" (local processes), or on a Dask or Ray cluster inside the block.

    A cluster that is already connected is used (``dask.distributed.Client(...)``, on a ``SLURMCluster`` too,
    ``ray.init(...)``), or else Dask's at ``scheduler`` or the address in DASK_SCHEDULER_ADDRESS; if there is none, a
    local one of ``jobs`` workers is started and stopped again.

    Args:
        scheduler: address of Dask's scheduler, such as "tcp://10.0.0.1:8786", or the file that ``dask scheduler
            --scheduler-file`` wrote.
    Errors: UsageError for another name, if the cluster's package is not installed, or no scheduler answers.
    """
    if name not in BACKENDS:
        raise UsageError(f"There is no backend {name!r}. Choose from {', '.join(BACKENDS)}.")
    if scheduler is not None and name != "dask":
        raise UsageError(Argument("scheduler", scheduler), " is Dask's: take ", Remedy("backend", "dask"), ".")
    import joblib  # and with it psutil, which a run in this process does without

    with contextlib.ExitStack() as stack:
        if name == "dask":
            distributed = _needed("distributed", "dask[distributed]")
            if scheduler is not None or not _connected(distributed):
                stack.enter_context(_client(distributed, jobs, scheduler))
        if name == "ray":
            _needed("ray", "ray")
            _needed("ray.util.joblib", "ray").register_ray()
        stack.enter_context(joblib.parallel_config(backend=name))
        yield


def _connected(distributed: Any) -> bool:
    try:
        distributed.get_client()
    except ValueError:
        return False
    return True


def _client(distributed: Any, jobs: int, scheduler: str | Path | None) -> Any:
    """A client of the scheduler that is named, or that Dask's settings name, or of a local cluster. Errors: UsageError
    if there is no scheduler at that address."""
    address = importlib.import_module("dask.config").get("scheduler-address", None) if scheduler is None else scheduler
    if address is None:
        return distributed.Client(n_workers=jobs, threads_per_worker=1, dashboard_address=None)
    where = {"scheduler_file": str(address)} if Path(address).is_file() else {"address": str(address)}
    try:
        return distributed.Client(**where, timeout=CONNECT)
    except (OSError, ValueError) as error:
        named = " (DASK_SCHEDULER_ADDRESS)" if scheduler is None else ""
        raise UsageError(f"No Dask scheduler answers at {address}{named}. Start one there.") from error


def _needed(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(f"This backend needs {package}: pip install '{package}'.") from error
