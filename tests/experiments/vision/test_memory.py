import pytest

from experiments.vision.memory import Memory, own_peak, pass_over


def test_each_side_runs_in_a_process_of_its_own(capsys):
    Memory(samples=4, size=32, batch=2).run()
    assert "4 images of 32x32: peak memory" in capsys.readouterr().out


def test_a_pass_that_fails_is_told(monkeypatch):
    with pytest.raises(RuntimeError, match="plain pass ended with exit code 1"):
        Memory(samples=2, size=0, batch=2).peak("plain")


@pytest.mark.parametrize("side", ["plain", "probed"])
def test_both_sides_pass_over_the_last_smaller_batch(side):
    pass_over(side, 3, 32, 2)


def test_the_peak_is_of_this_process():
    before = own_peak()
    bytearray(300_000_000).find(b"x")
    assert own_peak() >= before > 50
