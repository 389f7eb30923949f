"""The Lightning callback, apart from the rest because Lightning is optional."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from deepnrc.errors import UsageError


def callback(measure: Callable[[int], Mapping[str, float]], should_stop: Callable[[], bool] = lambda: False) -> Any:
    """A callback that measures before training and after each of its epochs, and hands the values to Lightning's
    loggers.

    A step is the number of epochs trained. With several processes only the first one measures.

    Args:
        measure: the values at a step by their names, none where it is not due.
        should_stop: whether training should stop after what was measured last.
    Errors: UsageError if neither ``lightning`` nor ``pytorch_lightning`` is installed.
    """
    base = _callback_class()

    def log(trainer: Any, step: int) -> None:
        values = measure(step) if trainer.is_global_zero else {}
        if values:
            for logger in trainer.loggers:
                logger.log_metrics(values, step=trainer.global_step)

    def stop(trainer: Any) -> None:
        decided = should_stop()
        strategy = getattr(trainer, "strategy", None)  # the others wait for the first process, which alone measures
        if strategy is not None and hasattr(strategy, "reduce_boolean_decision"):
            decided = strategy.reduce_boolean_decision(decided, all=False)
        if decided:
            trainer.should_stop = True

    class CollapseCallback(base):  # type: ignore[misc, valid-type]
        def on_train_start(self, trainer: Any, module: Any) -> None:
            log(trainer, trainer.current_epoch)

        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            log(trainer, trainer.current_epoch + 1)
            stop(trainer)

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
