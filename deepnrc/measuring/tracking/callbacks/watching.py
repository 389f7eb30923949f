"""What every trainer's callback does with a tracker."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import distributed

from deepnrc.measuring.tracking.tracker import Tracker
from deepnrc.report import Report


@dataclass
class Watch:
    """A tracker in a training of one process or of several: the first one alone measures, or all, each its own samples,
    where the tracker was told ``distributed=True``; and all stop together.

    Attributes:
        first: whether this is the first process.
    """

    tracker: Tracker
    first: bool = True

    def at(self, step: int | None, *, since: int | None = None, last: bool = False) -> Report | None:
        """The measurement at a step, where it is due, or the last one, and this process measures.

        Args:
            since: the step before where steps are left out; what was due between the two is due now.
            last: whether training ends here, if ``step`` is None with the step of the last call.
        """
        if not self.tracker.together:
            if not self.first:
                return None
            self.tracker.alone()
        if last:
            return self.tracker.finish(step)
        passed = step is not None and since is not None and any(map(self.tracker.due, range(since + 1, step)))
        return self.tracker(step, force=passed)

    @property
    def should_stop(self) -> bool:
        """Whether the training should stop: what the first process found."""
        decided = self.tracker.should_stop
        if not (distributed.is_available() and distributed.is_initialized()) or not self.tracker.may_stop:
            return decided
        device = torch.device("cuda" if distributed.get_backend() == "nccl" else "cpu")
        told = torch.tensor(int(decided), device=device)
        distributed.broadcast(told, 0)
        return bool(told)
