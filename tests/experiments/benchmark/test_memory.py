import subprocess
import sys

import pytest

from experiments.benchmark.memory import CHECKOUT, Memory, pass_over


def test_each_side_runs_in_a_process_of_its_own(capsys):
    Memory(samples=4, size=32, batch=2).run()
    assert "4 images of 32x32: peak memory" in capsys.readouterr().out


def test_a_pass_that_fails_is_told(monkeypatch):
    with pytest.raises(RuntimeError, match="plain pass ended with exit code 1"):
        Memory(samples=2, size=0, batch=2).peak("plain")


@pytest.mark.parametrize("side", ["plain", "probed"])
def test_both_sides_pass_over_the_last_smaller_batch(side):
    pass_over(side, 3, 32, 2)


def test_the_peak_is_that_of_the_process_and_of_all_its_time():
    script = """
from experiments.benchmark.memory import own_peak
before = own_peak()
touched = bytearray(300_000_000)
touched[::1024] = bytes(len(touched[::1024]))
during = own_peak()
del touched
print(before, during, own_peak())
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    before, during, after = map(float, done.stdout.split())
    assert before > 5
    assert 250 < during - before < 450
    assert after >= during
