import shutil
import subprocess
import sys

import pytest

from experiments.benchmark.memory import CHECKOUT, Memory, pass_over


def test_a_side_runs_in_a_process_of_its_own():
    assert Memory(samples=4, size=32, batch=2).peak("plain") > 50


def test_both_peaks_stand_beside_their_bound(monkeypatch, capsys):
    monkeypatch.setattr(Memory, "peak", lambda self, side: {"plain": 200.0, "probed": 250.0}[side])
    Memory(samples=4, size=32, batch=2).run()
    assert "4 images of 32x32: peak memory 200 MB for a plain forward pass, 250 MB probed, 1.25 times. Bound: 1.5." in (
        capsys.readouterr().out
    )


def test_a_pass_that_fails_is_told(monkeypatch):
    monkeypatch.setattr("sys.executable", shutil.which("false"))
    with pytest.raises(RuntimeError, match="plain pass ended with exit code 1"):
        Memory().peak("plain")


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
    assert after >= during - 1  # Linux counts pages by the batch, and may tell a few of them less
