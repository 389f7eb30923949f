"""The callback of Hugging Face's Trainer."""

from __future__ import annotations

from typing import Any

from deepnrc.errors import require
from deepnrc.measuring.tracking.callbacks.watching import Watch
from deepnrc.measuring.tracking.tracker import Tracker


def transformers_callback(tracker: Tracker) -> Any:
    """A ``TrainerCallback`` of transformers that calls the tracker before training, after each optimizer step and at
    the end, and stops the trainer where the tracker says so; ``tracker.log_to`` says where the values go.

    A step is the trainer's ``global_step``. With several processes only the first one measures, unless the tracker was
    told ``distributed=True``.

    Errors: UsageError if transformers is not installed.
    """
    base = require("transformers", "pip install transformers accelerate.").TrainerCallback
    watch = Watch(tracker)

    class CollapseCallback(base):  # type: ignore[misc, valid-type]
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            watch.first = state.is_world_process_zero
            watch.at(state.global_step)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            watch.at(state.global_step, last=state.global_step >= state.max_steps)
            if watch.should_stop:
                control.should_training_stop = True

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if not args.load_best_model_at_end:  # else the network is no longer that of the last step
                watch.at(state.global_step, last=True)

    return CollapseCallback()
