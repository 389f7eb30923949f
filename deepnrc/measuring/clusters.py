"""joblib's backends, by name."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

from deepnrc.errors import UsageError

BACKENDS = ("loky", "dask", "ray")
CONNECT = 20  # seconds to wait for a scheduler


@contextlib.contextmanager
def backend(name: str, jobs: int) -> Iterator[None]:
    """Let joblib run on "loky" (local processes), or on a Dask or Ray cluster inside the block.

    A cluster that is already connected is used (``dask.distributed.Client(...)``, ``ray.init(...)``), or else Dask's at
    the address in DASK_SCHEDULER_ADDRESS; if there is none, a local one of ``jobs`` workers is started and stopped
    again.
    Errors: UsageError for another name, or if the cluster's package is not installed.
    """
    if name not in BACKENDS:
        raise UsageError(f"There is no backend {name!r}. Choose from {', '.join(BACKENDS)}.")
    import joblib  # and with it psutil, which a run in this process does without

    with contextlib.ExitStack() as stack:
        if name == "dask":
            distributed = _needed("distributed", "dask[distributed]")
            try:
                distributed.get_client()
            except ValueError:
                stack.enter_context(_client(distributed, jobs))
        if name == "ray":
            _needed("ray", "ray")
            _needed("ray.util.joblib", "ray").register_ray()
        stack.enter_context(joblib.parallel_config(backend=name))
        yield


def _client(distributed: Any, jobs: int) -> Any:
    """A client of the scheduler that Dask's settings name, or of a local cluster. Errors: UsageError if there is no
    scheduler at that address."""
    address = importlib.import_module("dask.config").get("scheduler-address", None)
    if address is None:
        return distributed.Client(n_workers=jobs, threads_per_worker=1, dashboard_address=None)
    try:
        return distributed.Client(address, timeout=CONNECT)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"No Dask scheduler answers at {address} (DASK_SCHEDULER_ADDRESS). Start one there."
        ) from error


def _needed(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(f"This backend needs {package}: pip install '{package}'.") from error
