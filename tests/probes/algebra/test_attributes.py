"""Attributes computed once, without a lock between objects of two threads."""

import threading

from probes.algebra.attributes import once


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
