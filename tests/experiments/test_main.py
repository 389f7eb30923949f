"""`python -m experiments`: its list, its refusals in one sentence, what it leaves behind, and a study of one's own."""

import json
import shlex
from dataclasses import dataclass
from typing import Annotated

import pandas as pd
import pytest
import torch
from pandas.testing import assert_frame_equal
from tyro.conf import arg

from experiments.__main__ import main, parsed
from experiments.claims import Claim, Inquiry
from experiments.claims.layerwise import onset_share
from experiments.data import Split, split
from experiments.networks import Mlp
from experiments.runner import Recipe, Setting, Study
from experiments.studies import COMMANDS, Family

SMALL = shlex.split("--jobs 1 --epochs 2 --samples 100 --depth 2 --width 8 --seeds 1 --no-progress")


@pytest.fixture
def command(tmp_path, capsys, monkeypatch, sketched):
    """Run a command line in an empty folder; the exit code and what was said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.cpu_count", lambda: 1)

    def run(*words):
        try:
            code = main(list(words))
        except SystemExit as stop:
            code = stop.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_the_list_names_every_study(command):
    code, out, _ = command("list")
    assert code == 0
    lines = out.splitlines()[2:]
    assert [line.split()[0] for line in lines] == list(COMMANDS)
    assert all(("minute" in line or "hour" in line) and line.endswith(".") for line in lines)


@pytest.mark.parametrize("name", [*COMMANDS])
def test_every_study_has_help(command, name):
    code, out, _ = command(name, "--help")
    assert code == 0
    assert f"python -m experiments {name}" in out


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("--rank 11", "The rank must lie between 1 and the target width 10; it is 11."),
        ("--rank 0", "The rank must lie between 1"),
        ("--seeds 0", "--seeds must be at least 1; it is 0."),
        ("--jobs 0", "--jobs must be at least 1; it is 0."),
        ("--epochs 0", "--epochs must be at least 1; it is 0."),
        ("--epochs -3", "--epochs must be at least 1; it is -3."),
        ("--weight-decay -1e-3 0", "The weight decay must be 0 or more and finite; it is -0.001."),
        ("--weight-decay 1e-3 0.001", "More than one setting is called 'weight decay 0.001'"),
        ("--weight-decay", "--weight-decay needs at least one value."),
        ("--depth 0", "at least 1 hidden layer"),
        ("--depth -1", "at least 1 hidden layer"),
        ("--width 0", "at least 1 unit"),
        ("--samples 0", "samples (0) of at least 1"),
        ("--samples 2", "reached only rank 1 of 2 on 2 samples"),
        ("--lr 0", "The learning rate must be positive and finite; it is 0."),
        ("--lr nan", "The learning rate must be positive and finite; it is nan."),
        ("--spectrum", "The spectrum must be one or more positive eigenvalues"),
        ("--spectrum 1 -1", "The spectrum must be one or more positive eigenvalues"),
        ("--noise -1", "The target noise must be 0 or more"),
        ("--target-dim 1", "The rank must lie between 1 and the target width 1; it is 2."),
        ("--input-dim 0", "Inputs need a width (0)"),
        ("--values 1 2", "--values goes with --sweep rank"),
        ("--sweep rank --weight-decay 0 1", "--sweep rank keeps to one --weight-decay; 2 were given."),
        ("--sweep width", "--width 8 says nothing beside --sweep width: leave it out"),
        ("--spectrum 3 2 1", "--spectrum has 3 eigenvalues, and targets of rank 2 have 2"),
        ("--sweep rank --values 2.5", "--sweep rank takes whole --values; they are (2.5,)."),
    ],
)
def test_a_mistake_is_met_with_one_sentence(command, flags, words, tmp_path):
    code, out, err = command("synthetic", *SMALL, *flags.split())
    assert code == 2
    assert words in err
    assert err.startswith("experiments: ")
    assert len(err.splitlines()) == 1
    assert out == ""
    assert not list(tmp_path.rglob("cell.json"))


@pytest.mark.parametrize(
    "words", [("synthetc",), ("synthetic", "--rnk", "2"), ("synthetic", "--rank", "two"),
              ("synthetic", "--backend", "x"), ("synthetic", "--teacher", "x"), ("swimmer", "--part", "ant")]
)  # fmt: skip
def test_what_the_command_line_does_not_know_is_refused(command, words):
    code, _, err = command(*words)
    assert code == 2
    assert "Traceback" not in err


def test_a_folder_that_cannot_be_is_said(command, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = command("synthetic", *SMALL, "--out", "file")
    assert code == 2
    assert err.startswith("experiments: ")
    assert "file" in err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("--data swimer_1k", "Did you mean swimmer_1k"), ("--epochs 0", "--epochs must be at least 1; it is 0."),
        ("--depth 0", "at least 1 hidden layer"), ("--jobs 0", "--jobs must be at least 1; it is 0."),
        ("--weight-decay", "--weight-decay needs at least one value."),
        ("--weight-decay -1", "weight decay must be 0 or more"),
        ("--weight-decay 0 0", "--weight-decay has the same value twice"), ("--width 0", "at least 1 unit"),
        ("--lr 0", "learning rate must be positive"), ("--lr 1e6 --epochs 40 --width 8", "NaN|loss of"),
    ],
)  # fmt: skip
def test_the_demo_refuses_as_well(command, flags, words):
    code, _, err = command("demo", "--jobs", "1", *flags.split())
    said = [line for line in err.splitlines() if line.startswith("experiments: ")]
    assert code in (2, 3)
    assert any(word in said[-1] for word in words.split("|"))


def test_interrupting_says_that_it_can_go_on(command, monkeypatch):
    def stopped(self):
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.studies.synthetic.Synthetic.run", stopped)
    code, _, err = command("synthetic")
    assert code == 130
    assert "goes on where it was" in err


def test_a_run_leaves_its_page_its_table_and_its_settings(command, tmp_path):
    code, out, err = command("synthetic", *SMALL, "--rank", "3", "--out", "here", "--weight-decay", "0.1", "0")
    assert code == 0, err
    folder = tmp_path / "here" / "synthetic"
    settings = json.loads((folder / "settings.json").read_text())
    assert (settings["rank"], settings["weight_decay"], settings["width"], settings["seeds"]) == (3, [0.1, 0.0], 8, 1)
    assert settings.keys() & {"jobs", "backend", "out", "progress"} == set()
    assert "here/synthetic/index.html  the study's page" in out
    assert "] Raising weight decay lowers the noise fraction" in out
    assert set(pd.read_parquet(folder / "table.parquet")["setting"]) == {
        "untrained",
        "weight decay 0",
        "weight decay 0.1",
    }
    assert (tmp_path / "here" / "index.html").is_file()


def test_settings_are_taken_back_and_flags_go_first(command, tmp_path):
    first = command("synthetic", *SMALL, "--rank", "3", "--out", "here", "--weight-decay", "0.1", "0")
    assert first[0] == 0, first[2]
    settings = ["--settings", "here/synthetic/settings.json", "--jobs", "1", "--no-progress"]
    again = command("synthetic", *settings, "--out", "there")
    assert again[0] == 0, again[2]
    tables = [pd.read_parquet(tmp_path / place / "synthetic" / "table.parquet") for place in ("here", "there")]
    assert_frame_equal(*tables, check_exact=True)
    assert command("synthetic", *settings, "--out", "third", "--rank", "2")[0] == 0
    third = json.loads((tmp_path / "third" / "synthetic" / "settings.json").read_text())
    assert (third["rank"], third["weight_decay"]) == (2, [0.1, 0.0])


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "'s.json' cannot be read as settings"), ("{", "cannot be read as settings"),
     ("[1]", "holds a list, not settings"),
     ('{"part": "top"}', "is for another study: 'part' is no flag of this one")],
)  # fmt: skip
def test_settings_that_are_none_are_refused(command, tmp_path, content, words):
    if content:
        (tmp_path / "s.json").write_text(content)
    code, _, err = command("synthetic", "--settings", "s.json")
    assert code == 3
    assert words in err


@pytest.mark.parametrize(
    ("content", "words"),
    [('{"seeds": "three"}', "--seeds"), ('{"seeds": 1.5}', "--seeds"), ('{"sweep": "foo"}', "--sweep"),
     ('{"width": "wide"}', "--width"), ('{"rank": 11}', "The rank must lie between")],
)  # fmt: skip
def test_settings_with_wrong_values_are_refused_like_flags(command, tmp_path, content, words):
    (tmp_path / "s.json").write_text(content)
    code, _, err = command("synthetic", "--settings", "s.json", "--no-progress")
    assert code == 2
    assert words in err
    assert "Traceback" not in err


def test_a_flag_of_numbers_takes_one_from_settings(command, tmp_path):
    (tmp_path / "s.json").write_text('{"weight_decay": 0.1, "lr": 0.01, "full": false, "values": null}')
    code, _, err = command("synthetic", *SMALL, "--settings", "s.json", "--out", "here")
    assert code == 0, err
    assert json.loads((tmp_path / "here" / "synthetic" / "settings.json").read_text())["weight_decay"] == [0.1]


def test_settings_of_a_sweep_are_taken_back(command, tmp_path):
    small = shlex.split("--jobs 1 --epochs 2 --samples 100 --depth 2 --seeds 1 --no-progress")
    assert command("synthetic", *small, "--sweep", "width", "--values", "4", "6", "--out", "here")[0] == 0
    file = tmp_path / "here" / "synthetic-width" / "settings.json"
    code, _, err = command("synthetic", "--settings", str(file), "--jobs", "1", "--no-progress", "--out", "there")
    assert code == 0, err
    assert json.loads((tmp_path / "there" / "synthetic-width" / "settings.json").read_text()) == json.loads(
        file.read_text()
    )


@pytest.mark.parametrize(("name", "switch"), [("synthetic", "full"), ("sgemm", "log"), ("sgemm", "full")])
def test_a_switch_that_is_on_in_settings_can_be_put_off(tmp_path, name, switch):
    (tmp_path / "s.json").write_text(json.dumps({switch: True}))
    settings = ["--settings", str(tmp_path / "s.json")]
    assert getattr(parsed(name, settings), switch) is True
    assert getattr(parsed(name, [*settings, f"--no-{switch}"]), switch) is False


@pytest.mark.parametrize("sweep", ["rank", "depth", "width", "noise"])
def test_every_knob_can_be_swept(command, tmp_path, sweep):
    small = [word for flag in zip(SMALL[:-1:2], SMALL[1::2], strict=True) if flag[0] != f"--{sweep}" for word in flag]
    code, out, err = command("synthetic", *small, *SMALL[-1:], "--sweep", sweep, "--values", "2", "3")
    assert code == 0, err
    table = pd.read_parquet(tmp_path / "runs" / "studies" / f"synthetic-{sweep}" / "table.parquet")
    assert table["setting"].nunique() == 2
    assert "learned is that of the targets" in out


@dataclass(frozen=True)
class Waves:
    """Sines of a few random waves."""

    samples: int = 120

    def load(self, seed: int) -> Split:
        g = torch.Generator().manual_seed(seed)
        x = torch.randn(self.samples, 3, generator=g)
        return split(x, (x @ torch.randn(3, 2, generator=g)).sin(), seed=seed)


@dataclass(frozen=True, kw_only=True)
class Depths(Family):
    """How deep must a network be for its last layers to collapse?"""

    depths: Annotated[tuple[int, ...], arg(help="One setting for each.")] = (2, 4)

    def inquiry(self) -> Inquiry:
        recipe = Recipe(weight_decay=5e-3, epochs=self.epochs or 100)
        settings = tuple(Setting(Waves(), Mlp((8,) * d), recipe, apart={"layers": d}) for d in self.depths)
        claim = Claim("The deepest network collapses in part: share of layers", "us", onset_share, ">", 0.1)
        study = Study("waves", "Sines, by depth.", settings, tuple(range(self.seeds)), sweep="layers")
        return Inquiry(study, (claim,))


def test_a_study_of_ones_own_runs(tmp_path, capsys, sketched):
    Depths(seeds=2, epochs=3, jobs=1, out=tmp_path, progress=False).run()
    assert "] The deepest network collapses in part: share of layers: " in capsys.readouterr().out
    table = pd.read_parquet(tmp_path / "waves" / "table.parquet")
    assert set(table["layers"]) == {2, 4}
    assert table.query("layers == 4 and measure == 'deep.noise_fraction'")["depth"].nunique() == 5
    assert json.loads((tmp_path / "waves" / "settings.json").read_text())["depths"] == [2, 4]
    assert "waves" in (tmp_path / "index.html").read_text()
