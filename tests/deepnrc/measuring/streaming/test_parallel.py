"""Layers side by side: the same results in the same order, and nothing of the caller's threads changed."""

import contextvars
import itertools
import multiprocessing
import threading

import pytest
import torch

import deepnrc
from deepnrc.measuring.streaming import parallel
from deepnrc.measuring.streaming.parallel import in_parallel

HELD = contextvars.ContextVar("HELD", default="nothing")


@pytest.fixture
def two():
    """Two threads of torch's within the test."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_come_in_the_order_of_the_items(two):
    second = threading.Event()

    def of(item):
        if item == 0:
            assert second.wait(60)  # the first ends when another has run beside it
        second.set()
        return item, torch.get_num_threads(), threading.current_thread() is threading.main_thread()

    assert list(in_parallel(of, range(5))) == [(item, 1, False) for item in range(5)]


@pytest.mark.parametrize(("threads", "items", "most"), [(1, 4, None), (2, 1, None), (2, 4, 1)])
def test_one_at_a_time_is_on_the_callers_own_thread(two, threads, items, most):
    torch.set_num_threads(threads)
    found = in_parallel(lambda item: (item, threading.current_thread()), range(items), most)
    assert list(found) == [(item, threading.main_thread()) for item in range(items)]


def test_no_more_than_asked_for_run_at_once(two):
    torch.set_num_threads(4)
    running, most, lock, ended = [0], [0], threading.Lock(), threading.Event()

    def of(item):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        ended.wait(0.01)
        with lock:
            running[0] -= 1

    list(in_parallel(of, range(12), 2))
    assert most[0] == 2


def test_the_callers_threads_and_those_of_new_ones_stay_as_they_were(two):
    torch.set_num_threads(3)
    list(in_parallel(str, range(4)))
    assert torch.get_num_threads() == 3
    found = []
    other = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert found == [3]


def test_what_the_caller_set_for_itself_holds_on_the_threads_too(two):
    token = HELD.set("a value")
    try:
        assert list(in_parallel(lambda _: HELD.get(), range(3))) == ["a value"] * 3
    finally:
        HELD.reset(token)
    assert list(in_parallel(lambda _: torch.is_grad_enabled(), range(3))) == [False] * 3


def test_if_one_fails_the_rest_does_not_begin(two):
    began, never = [], threading.Event()

    def of(item):
        began.append(item)
        if item == 0:
            raise KeyError("the first")
        never.wait(0.02)

    with pytest.raises(KeyError, match="the first"):
        list(in_parallel(of, range(200)))
    assert len(began) < 200


def in_child(queue):
    torch.set_num_threads(2)
    queue.put(list(in_parallel(str, [1, 2, 3])))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_makes_threads_of_its_own(two):
    list(in_parallel(str, range(3)))
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=in_child, args=(queue,))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert queue.get() == ["1", "2", "3"]


@pytest.mark.parametrize("named", [{}, {"groups": 4}, {"probes": ["deep.*", "nc.*", "nrc.*"]}])
def test_a_report_is_the_same_however_many_layers_are_measured_at_once(two, monkeypatch, named):
    torch.manual_seed(0)
    widths = [20, 70, 90, 80, 70, 3]
    parts = [part for d, m in itertools.pairwise(widths) for part in (torch.nn.Linear(d, m), torch.nn.ReLU())]
    net, data = torch.nn.Sequential(*parts[:-1]), (torch.randn(300, 20), torch.randint(3, (300,)))
    monkeypatch.setattr("probes.streaming.gram.LARGE", 0)
    used = []
    pool = parallel._pool
    monkeypatch.setattr(parallel, "_pool", lambda count: used.append(count) or pool(count))
    several = deepnrc.probe(net, data, **named).table
    assert set(used) == {2}
    assert len(used) >= 2  # to take in samples, and to measure
    used.clear()
    torch.set_num_threads(1)
    alone = deepnrc.probe(net, data, **named).table
    assert not used
    words = ["layer", "measure", "variant", "status"]
    assert several[words].equals(alone[words])
    torch.testing.assert_close(
        torch.tensor(several["value"].to_numpy()), torch.tensor(alone["value"].to_numpy()),
        rtol=1e-9, atol=1e-12, equal_nan=True,
    )  # fmt: skip
