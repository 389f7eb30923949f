"""`torchrun -m deepnrc probe`: the processes share the samples, and one of them saves and prints."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pandas.testing import assert_frame_equal

import deepnrc
from deepnrc.commands.torchrun import together

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_two_processes_save_the_report_of_one(run: Callable[..., Any], tmp_path: Path) -> None:
    command = ["probe", "net.py:net", "--data", "net.py:loader", "--probes", "deep.noise_fraction", "nrc.1_centred"]
    assert run(*command, "--out", "alone").code == 0
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "deepnrc"]
    done = subprocess.run(
        [*torchrun, *command, "--out", "shared"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Saved in shared") == 1
    assert_frame_equal(deepnrc.load("shared").table, deepnrc.load("alone").table, rtol=1e-11)


def test_one_process_is_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with together() as first:
        assert first
