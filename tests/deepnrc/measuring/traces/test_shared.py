"""What belongs to the process, with several threads and interruptions at every step of entering."""

import copy
import linecache
import sys
import threading
from pathlib import Path

import pytest
import torch
from torch import nn

import deepnrc
from deepnrc import UsageError
from deepnrc.measuring import probing
from deepnrc.measuring.traces.shared import Claims, Switch, Undoing
from deepnrc.networks import Taps

OURS = str(Path(deepnrc.__file__).parent)
X, Y = torch.randn(30, 6).double(), torch.randn(30, 3)


@pytest.fixture
def as_it_is(hooks):
    def look(net):
        return (
            hooks(net),
            [module.training for module in net.modules()],
            torch.get_rng_state().tolist(),
            torch._dynamo.eval_frame._stance.stance,
            torch.backends.mha.get_fastpath_enabled(),
            torch.is_grad_enabled(),
            torch.empty(0).device,
        )

    return look


@pytest.mark.parametrize("last", ["a", "b"])
def test_the_last_to_leave_puts_back_what_the_first_met(last):
    held = ["before"]
    switch = Switch(lambda: held[0], lambda value: held.__setitem__(0, value))
    switch.hold("a")
    held[0] = "inside"
    switch.hold("b")
    first = "b" if last == "a" else "a"
    switch.release(first)
    switch.release(first)
    assert held == ["inside"]
    switch.release(last)
    assert held == ["before"]
    held[0] = "after"
    switch.release(last)
    assert held == ["after"]


def test_whatever_is_undone_the_rest_is_too():
    done = []

    def fail():
        done.append("fail")
        raise OSError

    def interrupt():
        done.append("interrupt")
        if done.count("interrupt") == 1:
            raise KeyboardInterrupt

    undoing = Undoing()
    for step in (lambda: done.append("first"), fail, lambda: done.append("third"), interrupt):
        undoing.note(step)
    with pytest.raises((OSError, KeyboardInterrupt)):
        undoing.close()
    assert done == ["interrupt", "interrupt", "third", "fail", "first"]


def test_a_claim_is_whole_or_none():
    claims, a, b = Claims(), nn.Linear(1, 1), nn.Linear(1, 1)
    claims.claim([a], 1)
    with pytest.raises(UsageError, match=r"This Linear is being probed, or shares modules with a network that is\."):
        claims.claim([b, a], 2)
    claims.claim([b], 3)
    claims.release(1)
    claims.claim([a], 4)


class Step(KeyboardInterrupt):
    """An interruption of ours."""


def interrupted_at(number, call):
    """Run a call that is interrupted at the line of our code that comes as this number; whether there was one."""
    left, thread = [number], threading.get_ident()

    def trace(frame, event, _):
        if not frame.f_code.co_filename.startswith(OURS) or threading.get_ident() != thread:
            return None
        # where a lock is given back a trace can come between, but no signal
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        if event == "line" and line not in ("with LOCK:", "with self._lock:"):
            left[0] -= 1
            if left[0] == 0:
                sys.settrace(None)
                raise Step
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except Step:
        return True
    finally:
        sys.settrace(before)
    return False


class Entered(Exception):  # noqa: N818
    """The first batch is asked for: entering is over."""


def loader():
    sys.settrace(None)
    raise Entered
    yield


@pytest.mark.parametrize("way", ["probe", "attach"])
def test_nothing_is_left_wherever_entering_is_interrupted(mlp, as_it_is, way):
    net = nn.Sequential(mlp(), nn.BatchNorm1d(3).double()).train()
    net[1].eval()
    before = as_it_is(net)
    deepnrc.probe(net, (X, Y), progress=False)  # imports and makes what stays, such as the lock of all bars

    def enter():
        try:
            if way == "probe":
                deepnrc.probe(net, loader(), progress=False)
            else:
                with deepnrc.attach(net):
                    sys.settrace(None)
                    raise Entered
        except Entered:
            sys.settrace(None)

    step = 1000  # what comes before changes nothing
    while interrupted_at(step, enter):
        assert as_it_is(net) == before, step
        step += 3
    assert step > 1200
    assert as_it_is(net) == before
    deepnrc.probe(net, (X, Y), progress=False)


def test_hooks_do_not_stay_when_setting_the_stance_is_interrupted(mlp, as_it_is, monkeypatch):
    net = mlp()
    before = as_it_is(net)

    def interrupt(*_):
        raise KeyboardInterrupt

    for owner, name in (
        (torch.compiler, "set_stance"),
        (Taps, "install"),
        (probing, "checked_autocast"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, interrupt)
            with pytest.raises(KeyboardInterrupt):
                probing.probe(net, (X, Y), progress=False)
        assert as_it_is(net) == before


def test_two_threads_leave_what_is_global_as_it_was(mlp, as_it_is):
    nets = [copy.deepcopy(mlp()) for _ in range(2)]
    before = [as_it_is(net) for net in nets]
    both, inside = threading.Barrier(2, timeout=120), []

    def batches(slow):
        both.wait()
        torch.rand(3)
        inside.append(torch._dynamo.eval_frame._stance.stance)
        yield torch.randn(9, 6).double(), torch.randn(9, 3)
        if slow:
            left.wait(120)
            inside.append(torch._dynamo.eval_frame._stance.stance)
        yield torch.randn(9, 6).double(), torch.randn(9, 3)

    left = threading.Event()

    def quick():
        deepnrc.probe(nets[1], batches(False), progress=False)
        left.set()

    thread = threading.Thread(target=quick)
    thread.start()
    deepnrc.probe(nets[0], batches(True), progress=False)
    thread.join()
    assert inside == ["force_eager"] * 3
    assert [as_it_is(net) for net in nets] == before


def test_a_network_that_is_being_probed_is_not_probed_again(mlp, as_it_is):
    net = mlp()
    before = as_it_is(net)
    with deepnrc.attach(net):
        inside = as_it_is(net)
        for again in (lambda: deepnrc.attach(net).__enter__(), lambda: deepnrc.probe(net, (X, Y), progress=False)):
            with pytest.raises(UsageError, match="This Sequential is being probed"):
                again()
            assert as_it_is(net) == inside
    assert as_it_is(net) == before
    deepnrc.probe(net, (X, Y), progress=False)


@pytest.mark.parametrize("what", ["network", "layer"])
def test_another_thread_s_call_is_refused_and_changes_nothing(mlp, same, what):
    net, said = mlp(), []

    def call():
        try:
            (net if what == "network" else net[0])(X * 5)
        except UsageError as error:
            said.append(str(error))

    def meanwhile(*_):
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()

    expected = deepnrc.probe(net, (X, Y), progress=False)
    handle = net[3].register_forward_hook(lambda *_: meanwhile() if not said or what == "layer" else None)
    if what == "layer":
        handle.remove()
        handle = net[4].register_forward_pre_hook(meanwhile)
    found = deepnrc.probe(net, (X, Y), progress=False)
    handle.remove()
    same(found, expected, rel=0)
    assert said == [] if what == "layer" else "is being probed by another thread" in said[0]
