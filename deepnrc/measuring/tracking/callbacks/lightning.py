"""The Lightning callback."""

from __future__ import annotations

import importlib
from typing import Any

from deepnrc.errors import UsageError
from deepnrc.measuring.tracking.callbacks.watching import Watch
from deepnrc.measuring.tracking.loggers import flat
from deepnrc.measuring.tracking.tracker import Tracker


def lightning_callback(tracker: Tracker) -> Any:
    """A Lightning callback that calls the tracker before training, after each of its epochs and at its end, hands the
    values to Lightning's loggers, and stops the trainer where the tracker says so.

    A step is the number of epochs trained. With several processes only the first one measures, unless the tracker was
    told ``distributed=True``.

    Errors: UsageError if neither ``lightning`` nor ``pytorch_lightning`` is installed.
    """
    base, watch = _callback_class(), Watch(tracker)

    def log(trainer: Any, step: int | None, *, last: bool = False) -> None:
        watch.first = trainer.is_global_zero
        measured = watch.at(step, last=last)
        if measured is not None and trainer.is_global_zero:
            for logger in trainer.loggers:
                logger.log_metrics(flat(measured), step=trainer.global_step)

    class CollapseCallback(base):  # type: ignore[misc, valid-type]
        def on_train_start(self, trainer: Any, module: Any) -> None:
            log(trainer, trainer.current_epoch)

        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            log(trainer, trainer.current_epoch + 1)
            decided = tracker.should_stop
            strategy = getattr(trainer, "strategy", None)  # the others wait for the first process, which alone measures
            if strategy is not None and hasattr(strategy, "reduce_boolean_decision"):
                decided = strategy.reduce_boolean_decision(decided, all=False)
            if decided:
                trainer.should_stop = True

        def on_train_end(self, trainer: Any, module: Any) -> None:
            log(trainer, None, last=True)

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
