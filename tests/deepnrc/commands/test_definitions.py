import numpy as np
import pytest

from deepnrc.commands.main import main

FACTORY = """
import torch


def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(5, 6), torch.nn.ReLU(), torch.nn.Linear(6, 2))
"""


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FACTORY)
    draw = np.random.default_rng(0)
    np.savez("data.npz", x=draw.normal(size=(90, 5)).astype("float32"), y=draw.normal(size=(90, 2)))

    def run(*flags):
        code = main(["definitions", "mine.py:net", "--data", "data.npz", *flags])
        return (code, *capsys.readouterr())

    return run


def test_readings_are_printed_and_written(told, tmp_path):
    code, out, _ = told("--gamma", "0.25", "-o", "readings.csv")
    assert code == 0
    assert "noise (net, step 0)" in out
    assert "[3] deep.cka (first n columns): of the first n units" in out
    assert "NRC3 with gamma fixed at 0.25: " in out
    assert (tmp_path / "readings.csv").read_text().startswith("run,step,depth,layer,quantity,measure")


def test_a_negative_gamma_is_refused(told):
    code, _, err = told("--gamma", "-1")
    assert code == 2
    assert "--gamma must be at least 0; it is -1." in err
