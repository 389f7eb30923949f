"""Attributes computed once, without a lock between objects of two threads."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from probes.algebra.attributes import once, once_each


class Pair:
    """Two attributes that read one another, each in the way that two threads meet head on."""

    def __init__(self, turn, gate):
        self.turn, self.gate, self.count = turn, gate, 0

    @once
    def first(self):
        """The first."""
        self.count += 1
        if self.turn == 0:
            self.gate.wait()
            return self.second + 1
        return 1

    @once
    def second(self):
        if self.turn == 1:
            self.gate.wait()
            return self.first + 1
        return 1


def test_is_computed_once_and_described_by_its_docstring():
    pair = Pair(1, None)
    assert (pair.first, pair.first, pair.count) == (1, 1, 1)
    assert vars(pair)["first"] == 1
    assert Pair.first.__doc__ == "The first."


def test_objects_of_two_threads_do_not_wait_for_one_another():
    gate, found = threading.Barrier(2, timeout=60), []
    one, other = Pair(0, gate), Pair(1, gate)
    threads = [
        threading.Thread(target=lambda: found.append(one.first), daemon=True),
        threading.Thread(target=lambda: found.append(other.second), daemon=True),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [2, 2]


class Seen:
    """What has seen so many samples."""

    count = 0


def test_a_function_of_a_statistic_is_computed_once_for_each_and_anew_when_it_has_seen_more():
    asked, one, other = [], Seen(), Seen()

    @once_each
    def function(statistic):
        """Its docstring."""
        asked.append(statistic)
        return len(asked)

    assert [function(one), function(one), function(other), function(one)] == [1, 1, 2, 1]
    one.count = 5
    assert [function(one), function(one), function(other)] == [3, 3, 2]
    assert function.__doc__ == "Its docstring."
    gone = weakref.ref(other)
    asked.clear()
    del other
    gc.collect()
    assert gone() is None


def test_of_two_threads_that_ask_the_second_one_waits():
    begun, go, one, asked = threading.Event(), threading.Event(), Seen(), []

    @once_each
    def function(statistic):
        asked.append(statistic)
        begun.set()
        assert go.wait(60)
        return object()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(function, one)
        assert begun.wait(60)
        second = pool.submit(function, one)
        go.set()
        assert first.result(60) is second.result(60)
    assert len(asked) == 1


def test_what_fails_is_asked_again():
    @once_each
    def function(statistic):
        raise ValueError("no")

    one = Seen()
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            function(one)
