from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from torch import distributed

from deepnrc import Tracker
from deepnrc.measuring.tracking.callbacks.watching import Watch

Make = Callable[..., Tracker]


def test_what_was_due_between_two_steps_is_measured_at_the_second(made: Make) -> None:
    watch = Watch(made(steps=[0, 5, 9]))
    seen = [watch.at(step, since=since) is not None for step, since in ((0, None), (4, 0), (8, 4), (9, 8))]
    assert seen == [True, False, True, True]


def test_only_the_first_process_measures_and_it_waits_for_none(made: Make) -> None:
    tracker = made()
    assert Watch(tracker, first=False).at(0) is None
    assert Watch(tracker).at(0) is not None
    assert tracker._options["distributed"] is False
    assert made(distributed=True).together


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    """A process group of one."""
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.usefixtures("group")
def test_all_processes_stop_with_the_first(made: Make) -> None:
    watch = Watch(made(stop_when=lambda report: report.steps == [1]))
    watch.at(0)
    assert not watch.should_stop
    watch.at(1)
    assert watch.should_stop
    assert Watch(made()).should_stop is False
