"""Layers side by side: the same results in the same order, and nothing of the caller's threads changed."""

import contextvars
import itertools
import multiprocessing
import threading

import pytest
import torch

import deepnrc
from deepnrc.measuring.streaming import parallel
from deepnrc.measuring.streaming.parallel import in_parallel, threads_for

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

    assert list(in_parallel(of, range(9), 2)) == [(item, 1, False) for item in range(9)]


def test_one_at_a_time_is_on_the_callers_own_thread(two):
    found = in_parallel(lambda item: (item, threading.current_thread()), range(4), 1)
    assert list(found) == [(item, threading.main_thread()) for item in range(4)]


@pytest.mark.parametrize(
    ("threads", "count", "expected"), [(1, 9, 1), (2, 1, 1), (2, 2, 2), (2, 9, 2), (16, 2, 1), (16, 8, 16), (3, 0, 1)]
)
def test_few_pieces_of_work_have_all_threads_each(two, threads, count, expected):
    torch.set_num_threads(threads)
    assert threads_for(count) == expected


def test_no_more_than_asked_for_run_at_once_and_few_are_made_ahead(two):
    running, most, made, lock, never = [0], [0], [], threading.Lock(), threading.Event()

    def items():
        for item in range(40):
            assert threading.current_thread() is threading.main_thread()
            made.append(item)
            yield item

    def of(item):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        never.wait(0.01)
        with lock:
            running[0] -= 1

    found = in_parallel(of, items(), 2)
    next(found)
    assert len(made) <= 2 * parallel.AHEAD + 1
    list(found)
    assert most[0] == 2
    assert len(made) == 40


def test_items_are_made_on_one_core_and_threads_that_begin_meanwhile_have_all(two):
    own, of_others = [], []

    def items():
        for item in range(4):
            own.append(torch.get_num_threads())
            other = threading.Thread(target=lambda: of_others.append(torch.get_num_threads()))
            other.start()
            other.join()
            yield item

    between = [torch.get_num_threads() for _ in in_parallel(str, items(), 2)]
    assert (own, of_others, between) == ([1] * 4, [2] * 4, [2] * 4)


def test_the_callers_threads_and_those_of_new_ones_stay_as_they_were(two):
    torch.set_num_threads(3)
    list(in_parallel(str, range(4), 2))
    assert torch.get_num_threads() == 3
    found = []
    other = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert found == [3]


def test_what_the_caller_set_for_itself_holds_on_the_threads_too(two):
    token = HELD.set("a value")
    try:
        assert list(in_parallel(lambda _: HELD.get(), range(3), 2)) == ["a value"] * 3
    finally:
        HELD.reset(token)
    assert list(in_parallel(lambda _: torch.is_grad_enabled(), range(3), 2)) == [False] * 3


def test_if_one_fails_the_rest_does_not_begin(two):
    began, never = [], threading.Event()

    def of(item):
        began.append(item)
        if item == 0:
            raise KeyError("the first")
        never.wait(0.02)

    with pytest.raises(KeyError, match="the first"):
        list(in_parallel(of, range(200), 2))
    assert len(began) < 10
    count = len(began)
    closed = in_parallel(lambda item: began.append(item), range(200), 2)
    next(closed)
    closed.close()
    assert len(began) < count + 10
    count = len(began)
    never.wait(0.05)
    assert len(began) == count  # what began was waited for


@pytest.mark.parametrize("fails", ["submit", "start"])
def test_where_no_thread_can_begin_all_is_on_the_callers(two, monkeypatch, fails):
    def refuse(*_):
        raise RuntimeError("can't start new thread")

    if fails == "submit":
        pool = parallel._pool(2)
        monkeypatch.setattr(pool, "submit", refuse)
    else:
        monkeypatch.setattr(parallel, "POOLS", {})
        monkeypatch.setattr("threading.Thread.start", refuse)
    assert list(in_parallel(lambda item: threading.current_thread(), range(3), 2)) == [threading.main_thread()] * 3


def test_one_pool_is_kept(two):
    list(in_parallel(str, range(3), 2))
    list(in_parallel(str, range(3), 3))
    assert set(parallel.POOLS) == {3}
    assert list(in_parallel(str, range(3), 2)) == ["0", "1", "2"]


def in_child(queue):
    torch.set_num_threads(2)
    queue.put(list(in_parallel(str, [1, 2, 3], 2)))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_makes_threads_of_its_own(two):
    list(in_parallel(str, range(3), 2))
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=in_child, args=(queue,))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert queue.get() == ["1", "2", "3"]


def test_weights_are_read_in_order_on_the_callers_thread(two):
    seen = []

    class Own(torch.nn.Linear):
        pass

    def weight(module):
        seen.append((module, threading.current_thread()))
        return module.weight

    net = torch.nn.Sequential(*(Own(8, 8) for _ in range(5)))
    deepnrc.probe(net, (torch.randn(64, 8), torch.randn(64, 8)), linears={Own: weight}, progress=False)
    assert {thread for _, thread in seen} == {threading.main_thread()}


def test_a_network_in_training_keeps_its_flags_and_random_state(two):
    spectral = torch.nn.utils.parametrizations.spectral_norm
    net = torch.nn.Sequential(*(spectral(torch.nn.Linear(8, 8)) for _ in range(5))).train()
    X, Y = torch.randn(64, 8), torch.randn(64, 8)
    with deepnrc.attach(net) as attachment:
        net(X)
        attachment.observe(Y)
        state = torch.get_rng_state()
        vectors = [module.parametrizations.weight[0]._u.clone() for module in net]
        attachment.report()
    assert torch.equal(torch.get_rng_state(), state)
    assert all(module.training for module in net.modules())
    for module, u in zip(net, vectors, strict=True):
        assert torch.equal(module.parametrizations.weight[0]._u, u)


@pytest.mark.parametrize("named", [{}, {"groups": 4}, {"probes": ["deep.*", "nc.*", "nrc.*"]}])
def test_a_report_is_the_same_however_many_layers_are_measured_at_once(two, monkeypatch, named):
    torch.manual_seed(0)
    widths = [20, 70, 90, 80, 70, 3]
    parts = [part for d, m in itertools.pairwise(widths) for part in (torch.nn.Linear(d, m), torch.nn.ReLU())]
    net = torch.nn.Sequential(*parts[:-1]).double()  # in float32 its own products are others on one thread
    data = (torch.randn(300, 20, dtype=torch.float64), torch.randint(3, (300,)))
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
