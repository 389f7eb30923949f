"""What the README shows runs as written, with small stand-ins for what the reader brings."""

import re
import shlex
from pathlib import Path

import pytest
import torch
from torch import nn

from deepnrc.commands import main
from experiments.studies.demo import Demo

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SHELL = "".join(re.findall(r"```bash\n(.*?)```", README, re.DOTALL))
COMMANDS = [line for line in SHELL.splitlines() if line.startswith("deepnrc ")]


class Reader(nn.Module):
    """A reader's network, with an encoder that has an auxiliary branch."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.ModuleDict({"body": nn.Linear(6, 8), "aux": nn.Linear(8, 8)})
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        h = self.encoder["body"](x).relu()
        return self.head(h + self.encoder["aux"](h))


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda code: code.strip().splitlines()[0][:40])
def test_every_snippet_runs(snippet, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    generator = torch.Generator().manual_seed(0)
    batches = [(torch.randn(20, 6, generator=generator), torch.randn(20, 2, generator=generator)) for _ in range(3)]
    brought = {"model": Reader(), "loader": batches, "batches": batches, "train_one_epoch": lambda model: None}
    exec("import deepnrc\n" + snippet.replace("range(1000)", "range(3)").replace("epochs=100", "epochs=2"), brought)
    drawn = re.findall(r'path="([^"]+)"', snippet)
    assert all((tmp_path / path).is_file() for path in drawn)
    if "report.summary()" in snippet:
        assert "encoder.body" in capsys.readouterr().out


def test_the_three_commands_run_after_the_demo(tmp_path, monkeypatch, capsys, sketched):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(ROOT)
    Demo(epochs=2, jobs=1).run()
    assert "Open:" in capsys.readouterr().out
    assert [shlex.split(line)[1] for line in COMMANDS] == ["probe", "heatmap", "report"]
    for line in COMMANDS:
        assert main(shlex.split(line)[1:]) == 0, line
    assert (tmp_path / "runs" / "noise.png").is_file()
    assert (tmp_path / "runs" / "report.html").is_file()


def test_it_stays_short_and_its_links_lead_somewhere():
    assert len(README.encode()) < 6000
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link
