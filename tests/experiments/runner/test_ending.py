"""SIGTERM ends a block by an exception, once, and only where nobody else has a way with it."""

import os
import signal
import threading

import pytest

from experiments.runner import ended_in_order


def test_sigterm_leaves_the_block_in_order_and_the_next_one_at_once():
    told = []

    def ended():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            told.append(signal.getsignal(signal.SIGTERM))

    with pytest.raises(SystemExit) as caught, ended_in_order():
        ended()
    assert caught.value.code == 143
    assert told == [signal.SIG_DFL]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_blocks_stand_in_one_another_and_put_back_what_was_there():
    with ended_in_order():
        ours = signal.getsignal(signal.SIGTERM)
        with ended_in_order():
            assert signal.getsignal(signal.SIGTERM) is ours
        assert signal.getsignal(signal.SIGTERM) is ours
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_whoever_has_a_way_of_his_own_with_it_keeps_it():
    mine = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with ended_in_order():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, mine)


def test_in_another_thread_nothing_changes():
    seen = []

    def look():
        with ended_in_order():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]
