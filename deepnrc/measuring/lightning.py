"""The Lightning callback, apart from the rest because Lightning is optional."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from deepnrc.errors import UsageError


def callback(measure: Callable[[int], Mapping[str, float]]) -> Any:
    """A callback that measures before training and after each of its epochs, and hands the values to Lightning's
    loggers.

    A step is the number of epochs trained. With several processes only the first one measures.

    Args:
        measure: the values at a step by their names, none where it is not due.
    Errors: UsageError if neither ``lightning`` nor ``pytorch_lightning`` is installed.
    """
    base = _callback_class()

    def log(trainer: Any, step: int) -> None:
        values = measure(step) if trainer.is_global_zero else {}
        if values:
            for logger in trainer.loggers:
                logger.log_metrics(values, step=trainer.global_step)

    class CollapseCallback(base):  # type: ignore[misc, valid-type]
        def on_train_start(self, trainer: Any, module: Any) -> None:
            log(trainer, trainer.current_epoch)

        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            log(trainer, trainer.current_epoch + 1)

    return CollapseCallback()


def _callback_class() -> type:
    for package in ("lightning.pytorch", "pytorch_lightning"):
        try:
            found: type = importlib.import_module(package).Callback
            return found
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] != package.split(".")[0]:
                raise UsageError(f"Lightning is installed but cannot be imported: {error}.") from error
    raise UsageError("The Lightning callback needs Lightning: pip install lightning.")
