"""A folder with a network and data to run commands in, and what is asked of all that refuse."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import deepnrc
from deepnrc.commands import main

NET = """
import warnings
import torch
from torch import nn

def net(dead=False):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 2))
    for layer in (net[0], net[2]) if dead else ():
        nn.init.constant_(layer.bias, -1e3)
    return net

def dead():
    return net(dead=True)

def twice():
    same = nn.Linear(4, 4)
    return nn.Sequential(same, nn.ReLU(), same, nn.Linear(4, 2))

def raw():
    torch.manual_seed(1)
    return torch.randn(64, 4), torch.randn(64, 2)

def loader():
    x, y = raw()
    return list(zip(x.split(16), y.split(16)))

def narrow():
    return [(x[:, :3], y) for x, y in loader()]

def failing():
    yield from loader()
    raise ValueError("sample 65 is odd")

def warned():
    warnings.warn("three files\\n are missing")
    return loader()

def named():
    return [{"image": x, "angle": {"left": y}} for x, y in loader()]

class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.mean, self.spread = nn.Linear(4, 6), nn.Linear(6, 2), nn.Linear(6, 2)

    def forward(self, x):
        h = self.body(x).relu()
        return {"hidden": h, "policy": (self.mean(h), self.spread(h))}

def heads():
    torch.manual_seed(0)
    return Heads()

def interrupted():
    yield from loader()
    raise KeyboardInterrupt
"""


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def names() -> dict[str, Any]:
    """What net.py holds."""
    found: dict[str, Any] = {}
    exec(NET, found)
    return found


@pytest.fixture
def run(
    names: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Result]:
    """Run the command in a folder that holds net.py and the same data as .npz and .csv."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)
    x, y = names["raw"]()
    np.savez(tmp_path / "data.npz", x=x.numpy(), y=y.numpy())
    columns = [*(f"x{i}" for i in range(4)), "y0", "y1"]
    pd.DataFrame(torch.cat([x, y], 1).numpy(), columns=columns).to_csv(tmp_path / "data.csv", index=False)

    def command(*arguments: str) -> Result:
        capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as left:  # the parser leaves by itself after --help and on wrong usage
            code = int(left.code or 0)
        streams = capsys.readouterr()
        return Result(code, streams.out, streams.err)

    return command


@pytest.fixture
def refusal() -> Callable[[Result, int], str]:
    """The message of a command that refused: one line, with no traceback and nothing on standard output."""

    def message(result: Result, code: int) -> str:
        assert (result.code, result.out) == (code, "")
        assert result.err.startswith("deepnrc: ")
        assert result.err.count("\n") == 1
        return result.err

    return message


@pytest.fixture
def probed() -> Callable[..., Result]:
    """Probe a network of net.py on data, into the folder 'out'."""

    def command(run: Callable[..., Result], *more: str, net: str = "net.py:net", data: str = "net.py:loader") -> Result:
        return run("probe", net, "--data", data, "--out", "out", "--replace", *more)

    return command


@pytest.fixture
def saved(names: dict[str, Any]) -> Callable[..., None]:
    """Save a small report for each label, in a folder of that name."""

    def save(*runs: str) -> None:
        for run in runs:
            deepnrc.probe(names["net"](), names["raw"](), run=run, progress=False).save(run)

    return save
