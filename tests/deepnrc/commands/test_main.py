"""What holds of every command: codes, one line of refusal, help, and being a process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

import deepnrc
from deepnrc.commands.main import Commands
from probes import CATALOG

Call = Callable[..., Any]


@pytest.mark.parametrize("place", ["before", "after"])
def test_debug_shows_the_traceback_and_ends_with_the_same_line_and_code(run: Call, place: str) -> None:
    command = ["probe", "net.py:net", "--data", "net.py:narrow", "--out", "out"]
    result = run(*(["--debug", *command] if place == "before" else [*command, "--debug"]))
    assert result.code == 2
    assert result.err.startswith("Traceback (most recent call last):")
    assert "\nRuntimeError: " in result.err
    assert result.err.splitlines()[-1].startswith("deepnrc: The network failed in layer '0'")


def test_what_was_not_foreseen_is_one_line_and_1(
    run: Call, refusal: Call, probed: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("in\n  two lines")

    monkeypatch.setattr(deepnrc, "probe", broken)
    assert "ZeroDivisionError: in. This was not foreseen: --debug shows where" in refusal(probed(run), 1)


def test_ctrl_c_is_one_line_and_130(run: Call, refusal: Call, probed: Call) -> None:
    assert refusal(probed(run, data="net.py:interrupted"), 130) == "deepnrc: interrupted.\n"


@pytest.mark.filterwarnings("default")
def test_warnings_are_one_line_too(run: Call, probed: Call) -> None:
    result = probed(run, data="net.py:warned")
    assert (result.code, result.err) == (0, "deepnrc: warning: three files are missing\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing subcommand"),
        (["prob"], "probe"),
        (["probe", "net.py:net", "--out", "x"], "--data DATA"),
        (["probe", "net.py:net", "--data", "d", "--out", "x", "--pool", "median"], "invalid choice 'median'"),
        (["heatmap", "out"], "-o FILE, --out FILE"),
        (["spectrum", "out", "-o", "x.png", "--of", "noise"], "invalid choice 'noise'"),
        (["probes", "--debugg"], "--debug"),
    ],
)
def test_what_the_parser_refuses_is_2_and_explained(run: Call, arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert "Traceback" not in result.err


def test_help_names_its_arguments_in_words(run: Call) -> None:
    result = run("probe", "--help")
    assert result.code == 0
    assert "deepnrc probe [-h] [PROBE OPTIONS] MODEL" in result.out
    for flag in ("--checkpoint FILE", "--out DIR", "--data DATA", "--rank K", "--layers GLOB [GLOB ...]"):
        assert flag in result.out
    assert "STR" not in result.out
    assert "{None}" not in result.out
    listed = run("--help")
    assert all(
        name in listed.out for name in ("layers", "probe", "heatmap", "spectrum", "report", "probes", "selftest")
    )


def test_version(run: Call) -> None:
    result = run("--version")
    assert (result.code, result.out, result.err) == (0, f"{deepnrc.__version__}\n", "")


def process(*arguments: str, pipe: str = "") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(deepnrc.__file__).parent.parent), "PYTHONWARNINGS": "error"}
    environment["PYTHONUNBUFFERED"] = ""  # so that a short output is written at the very end
    command = f'"{sys.executable}" -m deepnrc {" ".join(arguments)} {pipe}; exit ${{PIPESTATUS[0]}}'
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment, check=False)


def test_as_a_process_it_ends_with_the_code_and_one_line(run: Call) -> None:
    result = process("probe", "net.py:net", "--data", "absent.npz", "--out", "out")
    assert (result.returncode, result.stdout) == (3, "")
    assert result.stderr.startswith("deepnrc: There is no file 'absent.npz' (looked from ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "command", [["layers", "net.py:net"], ["probes"], ["probe", "--help"], ["--version"]], ids=" ".join
)
def test_a_reader_that_has_seen_enough_is_no_error(run: Call, command: list[str]) -> None:
    result = process(*command, pipe="| true")
    assert (result.returncode, result.stderr) == (0, "")


BROKEN = """
import sys
import deepnrc.commands.instrument as instrument
from deepnrc.commands import main
def broken(self): raise BrokenPipeError("a worker is gone")
instrument.Probes.run = broken
sys.exit(main(["probes"]))
"""


def test_a_broken_pipe_of_something_else_is_an_error() -> None:
    ran = subprocess.run([sys.executable, "-c", BROKEN], capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert "a worker is gone" in ran.stderr
    assert ran.stderr.count("\n") == 1


HELP = """
import contextlib, io, json, sys
from deepnrc.commands import main
told = {}
for command in ["", *sys.argv[1:]]:
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        main([*command.split(), "--help"])
    told[command] = out.getvalue()
heavy = [name for name in ("torch", "pandas", "matplotlib", "scipy") if name in sys.modules]
json.dump({"heavy": heavy, "told": told}, sys.stdout)
"""


def test_help_of_every_command_needs_no_torch_and_says_what_to_type() -> None:
    names = [get_args(command)[1].name for command in get_args(Commands)]
    assert {"probe", "heatmap", "report"} <= set(names)
    ran = subprocess.run([sys.executable, "-c", HELP, *names], capture_output=True, text=True, check=True)
    found = json.loads(ran.stdout)
    assert found["heavy"] == []
    for name in names:
        text = " ".join(found["told"][name].split())
        assert "(default: )" not in text
        assert "(default: None)" not in text
        assert ("--data" not in text and "DIR [DIR" not in text) or f"For example: deepnrc {name} " in text
    told = " ".join(found["told"]["heatmap"].split())
    measures = [name for name in ("noise_fraction", "feature_stable_rank", "cka", "linear_r2") if name in told]
    assert {f"deep.{name}" for name in measures} <= {probe.name for probe in CATALOG}
    assert len(measures) == 4
