"""What statistics hold is brought to the CPU as it is."""

import copy
import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from types import MappingProxyType, SimpleNamespace
from typing import NamedTuple

import pytest
import torch

from deepnrc.measuring.finishing.home import moved
from probes import Directions, Moments


def test_what_is_moved_is_a_copy_that_goes_on_by_itself():
    moments = Moments(3, 1)
    moments.update(torch.randn(50, 3), torch.randn(50, 1))
    before = copy.deepcopy(moments.covariance)
    made = moved({"moments": moments}, {})["moments"]
    assert torch.equal(made.covariance, before)
    made.update(torch.randn(50, 3), torch.randn(50, 1))
    assert made.count == 100
    assert moments.count == 50


def test_devices_become_the_cpu_and_what_is_met_twice_stays_one():
    directions = Directions(3)
    directions.device = torch.device("cuda", 1)
    one, two = moved([directions, directions], {})
    assert one is two
    assert one.device == torch.device("cpu")
    assert directions.device == torch.device("cuda", 1)


def test_what_is_no_statistic_is_left_as_it_is():
    given = (1, "a", None, Moments)
    assert moved(given, {}) == given


class Pair(NamedTuple):
    one: torch.Tensor
    place: torch.device


@dataclass(frozen=True, slots=True)
class Slotted:
    held: torch.Tensor
    place: torch.device


class Listed(list):
    pass


THERE = torch.device("cuda", 1)


@pytest.mark.parametrize(
    ("held", "place"),
    [
        (Pair(torch.ones(2), THERE), lambda made: made.place),
        (Slotted(torch.ones(2), THERE), lambda made: made.place),
        (deque([THERE], maxlen=3), lambda made: made[0]),
        (Listed([THERE]), lambda made: made[0]),
        (defaultdict(list, there=[THERE]), lambda made: made["there"][0]),
        (MappingProxyType({"there": THERE}), lambda made: made["there"]),
        (SimpleNamespace(inside=(THERE, [THERE])), lambda made: made.inside[1][0]),
    ],
    ids=["named tuple", "slots", "deque", "list", "default", "mapping", "nested"],
)
def test_whatever_holds_a_device_is_copied_with_the_cpu_for_it(held, place):
    made = moved(held, {})
    assert place(made) == torch.device("cpu")
    assert place(held) == THERE
    assert type(made) is type(held) or isinstance(held, MappingProxyType)


def test_what_cannot_be_copied_is_left():
    holder = SimpleNamespace(lock=threading.Lock(), module=copy, count=3)
    made = moved(holder, {})
    assert made is not holder
    assert (made.lock, made.module, made.count) == (holder.lock, copy, 3)
