"""The callback of Stable-Baselines3."""

from __future__ import annotations

from typing import Any

from deepnrc.errors import require
from deepnrc.measuring.tracking.callbacks.watching import Watch
from deepnrc.measuring.tracking.loggers import flat
from deepnrc.measuring.tracking.tracker import Tracker


def stable_baselines3_callback(tracker: Tracker) -> Any:
    """A ``BaseCallback`` of Stable-Baselines3 that calls the tracker before training, after each update of the policy
    and at the end, records the values with the model's own logger, and stops the training where the tracker says so.

    A step is the number of updates, as the algorithm counts them (``_n_updates``): for PPO the epochs over its
    rollouts, for off-policy algorithms the gradient steps. Measured is what the tracker was given, such as
    ``model.policy`` with observations and the expert's actions.

    Errors: UsageError if stable-baselines3 is not installed.
    """
    found = require("stable_baselines3.common.callbacks", "pip install stable-baselines3.")
    watch = Watch(tracker)

    class CollapseCallback(found.BaseCallback):  # type: ignore[misc, name-defined]
        _before: int | None = None

        def _at(self, *, last: bool = False) -> None:
            now = self.model._n_updates
            measured = watch.at(now, since=self._before, last=last)
            self._before = now
            for name, value in flat(measured).items() if measured is not None else ():
                self.logger.record(f"deepnrc/{name}", value, exclude="stdout")

        def _on_training_start(self) -> None:
            self._at()

        def _on_rollout_start(self) -> None:  # the policy was updated after the rollout before
            self._at()

        def _on_step(self) -> bool:
            return not tracker.should_stop

        def _on_training_end(self) -> None:
            self._at(last=True)

    return CollapseCallback()
