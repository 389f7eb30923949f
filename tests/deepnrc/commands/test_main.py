import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import deepnrc
from deepnrc import CATALOG, selftest
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

def interrupted():
    yield from loader()
    raise KeyboardInterrupt
"""


@dataclass
class Result:
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in a folder that holds net.py and the same data as .npz and .csv."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)
    names: dict[str, Any] = {}
    exec(NET, names)
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


def refusal(result: Result, code: int) -> str:
    """The message of a command that refused: one line, with no traceback and nothing on standard output."""
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("deepnrc: ")
    assert result.err.count("\n") == 1
    return result.err


def probed(run: Run, *more: str, net: str = "net.py:net", data: str = "net.py:loader") -> Result:
    return run("probe", net, "--data", data, "--out", "out", "--replace", *more)


def test_a_report_that_is_there_stays_unless_it_may_be_replaced(run: Run) -> None:
    assert probed(run, "--run", "mine").code == 0
    command = ["probe", "net.py:net", "--data", "net.py:loader", "--out", "out"]
    said = "'out' holds a report already. Name another folder, or say --replace."
    assert said in refusal(run(*command), 2)
    assert deepnrc.load("out").runs == ["mine"]
    assert run(*command, "--replace").code == 0
    assert deepnrc.load("out").runs == ["net"]


def test_layers_shows_what_would_be_probed(run: Run) -> None:
    result = run("layers", "net.py:net", "--targets", "2")
    lines = [line.split() for line in result.out.splitlines()]
    assert result.code == 0
    assert lines[0] == ["layer", "kind", "read", "at", "width", "weight", "memory"]
    assert lines[1:4] == [
        ["0", "Linear", "input", "4", "8x4", "288", "B"],
        ["2", "Linear", "input", "8", "6x8", "800", "B"],
        ["4", "Linear", "input", "6", "2x6", "512", "B"],
    ]
    assert "3 layers, 2 kB of moments however many samples" in result.out


def test_layers_are_chosen_by_kind_and_glob(run: Run) -> None:
    for chosen, names in ((["weights", "!2"], ["0", "4"]), (["0", "1"], ["0", "1"]), (["!?"], [])):
        result = run("layers", "net.py:net", "--layers", *chosen)
        assert result.code == (0 if names else 2)
        assert [line.split()[0] for line in result.out.splitlines()[1:3] if names] == names


def test_layers_names_what_is_left_out_and_why(run: Run) -> None:
    pytest.importorskip("timm")
    result = run("layers", "timm:test_resnet")
    assert result.code == 0
    assert "left out: layer2.0.downsample.1, " in result.out
    assert "(shortcut around a block)" in result.out


@pytest.mark.parametrize(
    ("data", "more"), [("data.npz", ()), ("data.csv", ("--targets", "y0,y1")), ("net.py:loader", ())]
)
def test_probe_measures_prints_and_saves_the_same_from_any_form_of_data(
    run: Run, data: str, more: tuple[str, ...]
) -> None:
    result = probed(run, *more, data=data)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("net, step 0: N = 64 samples, n = 2 targets, k = 2\n")
    assert result.out.endswith("\nSaved in out. Next: deepnrc report out -o report.html\n")
    names: dict[str, Any] = {}
    exec(NET, names)
    expected = deepnrc.probe(names["net"](), names["raw"](), run="net", progress=False)
    loaded = deepnrc.load("out")
    assert str(expected) in result.out
    pd.testing.assert_frame_equal(loaded.table, expected.table, rtol=1e-6)


def test_probe_hands_its_options_on(run: Run) -> None:
    more = [
        "--layers",
        "0",
        "2",
        "--rank",
        "1",
        "--probes",
        "deep.noise_fraction",
        "deep.cka",
        "--run",
        "mine",
        "--max-samples",
        "40",
        "--tau",
        "0.9",
    ]
    result = probed(run, *more)
    report = deepnrc.load("out")
    assert result.code == 0
    assert report.runs == ["mine"]
    assert report.measures == ["deep.noise_fraction", "deep.cka"]
    assert sorted(set(report.table["layer"])) == ["0", "2"]
    assert set(report.table["rank"]) == {1}
    assert set(report.table["n_samples"]) == {40}
    assert "noise <= 0.9" in result.out


def test_held_out_samples_and_groups_are_asked_for(run: Run) -> None:
    more = ["--held-out", "net.py:loader", "--groups", "4", "--probes", "deep.noise_fraction", "--layers", "2"]
    assert probed(run, *more).code == 0
    table = deepnrc.load("out").table
    assert table["variant"].tolist() == ["default", "held out"]
    assert table["value"].iloc[0] == pytest.approx(table["value"].iloc[1], rel=1e-12)
    assert table[["corrected", "low", "high"]].notna().sum(axis=1).tolist() == [3, 0]
    assert "Take fewer --groups, or more samples" in refusal(probed(run, "--groups", "32"), 2)
    assert "Give a number of groups: --groups 16" in refusal(probed(run, "--groups", "episodes"), 2)
    assert "--groups must be a number" in refusal(probed(run, "--groups", "many"), 2)


def test_the_parts_of_a_batch_are_named(run: Run) -> None:
    assert probed(run).code == 0
    pairs = deepnrc.load("out").table["value"]
    assert probed(run, "--batch", "image", "angle.left", data="net.py:named").code == 0
    assert deepnrc.load("out").table["value"].equals(pairs)
    assert "batch 1 is a dict with neither labels nor label" in refusal(probed(run, data="net.py:named"), 2)


def test_probe_loads_a_checkpoint(run: Run) -> None:
    names: dict[str, Any] = {}
    exec(NET, names)
    net = names["net"]()
    with torch.no_grad():
        net[4].weight.mul_(3)
    torch.save({"model": names["net"]().state_dict(), "ema": {"model": net.state_dict()}}, "net.pt")
    assert probed(run, "--checkpoint", "net.pt", "--state-key", "ema.model").code == 0
    expected = deepnrc.probe(net, names["raw"](), run="net", progress=False)
    value = deepnrc.load("out").values("model.mse")["value"].item()
    assert value == pytest.approx(expected.values("model.mse")["value"].item())


def test_strict_tells_of_degenerate_values_with_4_and_still_saves(run: Run) -> None:
    assert probed(run, "--strict").code == 0
    assert probed(run, net="net.py:dead").code == 0
    result = probed(run, "--strict", net="net.py:dead")
    assert (result.code, result.err) == (4, "")
    assert result.out.startswith("! 2, 4: the features do not vary over the samples (dead or constant layer)")
    assert (deepnrc.load("out").table["status"] == "degenerate").any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"net": "net.py:nett"}, "'net.py' has no 'nett'. Did you mean 'net'?"),
        ({"net": "resnet"}, "'resnet' is no network. Write timm:NAME, "),
        ({"data": "net.py:load"}, "'net.py' has no 'load'. Did you mean 'loader'?"),
        ({"data": "data.csv"}, "Name the target columns of 'data.csv' with --targets. Its columns are 'x0', "),
        ({"data": "net.py"}, "The file 'net.py' is of no kind that can be read here. Data is a .npz file"),
        ({"more": ["--layers", "fc"]}, "No layer is called 'fc'. The network has: '0', '1', '2', '3', '4'."),
        ({"more": ["--probes", "deep.nois"]}, "There is no probe 'deep.nois'. Did you mean 'deep.noise' or "),
        ({"more": ["--layers", "!*"]}, "--layers '!*' leaves nothing to probe."),
        ({"more": ["--max-samples", "0"]}, "--max-samples must be at least 1; it is 0."),
        ({"more": ["--rank", "0"]}, "--rank must be a whole number from 1; it is 0."),
        ({"net": "net.py:twice"}, "Choose with --repeats first, last or each (every run as a layer of its own)"),
        ({"net": "net.py:twice"}, "or leave it out with --layers '!0'."),
        ({"more": ["--rank", "5"]}, "--rank 5 exceeds the width of '0 (4)'. Choose a smaller rank, or leave these "),
        ({"more": ["--tau", "2"]}, "tau is a noise fraction and must lie between 0 and 1; it is 2.0."),
        ({"more": ["--batch-size", "0"]}, "The batch size must be at least 1, but 0 was given."),
        ({"more": ["--num-classes", "3"]}, "--num-classes is for timm and torchvision names"),
        (
            {"data": "net.py:narrow"},
            "The network failed in layer '0', Linear(in_features=4, out_features=8, bias=True)",
        ),
        ({"data": "net.py:narrow"}, "on the input (16, 3) float32: RuntimeError: "),
    ],
)
def test_wrong_usage_is_one_line_and_2(run: Run, options: dict[str, Any], words: str) -> None:
    result = probed(run, *options.pop("more", ()), **options)
    assert words in refusal(result, 2)
    assert not Path("out").exists()


def test_unknown_networks_of_a_library_are_refused_with_the_nearest(run: Run) -> None:
    pytest.importorskip("timm")
    assert "timm has no network 'resnet81'. Did you mean 'resnet18'" in refusal(run("layers", "timm:resnet81"), 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"data": "absent.npz"}, "There is no file 'absent.npz' (looked from "),
        ({"data": "net.py:failing"}, "The data could not be read: ValueError: sample 65 is odd. Mend its loader;"),
        ({"more": ["--checkpoint", "absent.pt"]}, "There is no checkpoint 'absent.pt' (looked from "),
        ({"more": ["--checkpoint", "net.py"]}, "'net.py' is not a checkpoint that torch.save wrote, or it is damaged"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_3(run: Run, options: dict[str, Any], words: str) -> None:
    result = probed(run, *options.pop("more", ()), **options)
    assert words in refusal(result, 3)
    assert not Path("out").exists()


def test_a_checkpoint_that_does_not_fit_lists_the_keys(run: Run) -> None:
    torch.save({"fc.weight": torch.zeros(2)}, "net.pt")
    words = "do not fit the network (6 missing: '0.weight', '0.bias', "
    assert words in refusal(probed(run, "--checkpoint", "net.pt"), 3)


@pytest.mark.parametrize("out", ["net.py", "net.py/deeper"])
def test_an_output_folder_that_is_a_file_is_refused_before_measuring(
    run: Run, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.setattr(deepnrc, "probe", lambda *_, **__: pytest.fail("it measured"))
    result = run("probe", "net.py:net", "--data", "net.py:loader", "--out", out)
    assert "net.py' is a file where a folder is needed. Name another one." in refusal(result, 2)


def test_the_summary_is_not_lost_when_saving_fails(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    result = probed(run)
    assert result.code == 2
    assert "N = 64 samples" in result.out
    assert "Saved" not in result.out
    assert result.err.startswith("deepnrc: The report cannot be written to 'out' (No space left on device). Name")


@pytest.mark.parametrize("place", ["before", "after"])
def test_debug_shows_the_traceback_and_ends_with_the_same_line_and_code(run: Run, place: str) -> None:
    command = ["probe", "net.py:net", "--data", "net.py:narrow", "--out", "out"]
    result = run(*(["--debug", *command] if place == "before" else [*command, "--debug"]))
    assert result.code == 2
    assert result.err.startswith("Traceback (most recent call last):")
    assert "\nRuntimeError: " in result.err
    assert result.err.splitlines()[-1].startswith("deepnrc: The network failed in layer '0'")


def test_what_was_not_foreseen_is_one_line_and_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("in\n  two lines")

    monkeypatch.setattr(deepnrc, "probe", broken)
    assert "ZeroDivisionError: in. This was not foreseen: --debug shows where" in refusal(probed(run), 1)


def test_ctrl_c_is_one_line_and_130(run: Run) -> None:
    assert refusal(probed(run, data="net.py:interrupted"), 130) == "deepnrc: interrupted.\n"


@pytest.mark.filterwarnings("default")
def test_warnings_are_one_line_too(run: Run) -> None:
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
def test_what_the_parser_refuses_is_2_and_explained(run: Run, arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert "Traceback" not in result.err


def test_help_names_its_arguments_in_words(run: Run) -> None:
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


def test_version(run: Run) -> None:
    assert run("--version") == Result(0, f"{deepnrc.__version__}\n", "")


def test_probes_prints_every_probe_with_all_that_is_known_of_it(run: Run) -> None:
    result = run("probes")
    text = " ".join(result.out.split())
    assert result.code == 0
    for probe in CATALOG:
        low, high = probe.bounds
        collapsed = "none" if probe.collapsed is None else f"{probe.collapsed:g}"
        facts = f"range [{low:g}, {high:g}]; collapsed: {collapsed}; measured at "
        asked = "" if probe.default else ", when asked for with --probes"
        parts = [f"{probe.name} ({probe.variant}) {probe.title}", probe.formula, probe.meaning, facts, probe.source]
        parts.append(f"{asked} {probe.source}" if probe.source else asked)
        assert all(" ".join(part.split()) in text for part in parts), probe.name
    assert f"{len(CATALOG)} probes." in result.out
    assert max(map(len, result.out.splitlines())) <= 100


def test_selftest_prints_got_expected_and_error_and_fails_with_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [selftest.Answer("half", 0.5, 0.5, 1e-9), selftest.Answer("two", 2.5, 2.0, 0.1)]
    monkeypatch.setattr(selftest, "answers", lambda: iter(known[:1]))
    result = run("selftest")
    assert result.code == 0
    assert result.out.splitlines()[-1] == "All known answers hold."
    monkeypatch.setattr(selftest, "answers", lambda: iter(known))
    result = run("selftest")
    assert result.code == 1
    assert result.out.splitlines()[2].split() == ["two", "2.5", "2", "2.5e-01", "FAILED"]
    assert result.out.splitlines()[-1] == "1 known answers do not hold."


def saved(*runs: str) -> None:
    """A small report for each label, in a folder of that name."""
    names: dict[str, Any] = {}
    exec(NET, names)
    for run in runs:
        deepnrc.probe(names["net"](), names["raw"](), run=run, progress=False).save(run)


def test_heatmap_and_report_write_into_new_folders_and_say_where(run: Run) -> None:
    pytest.importorskip("deepnrc.figures")
    pytest.importorskip("deepnrc.page.document")
    saved("a", "b")
    result = run("heatmap", "a", "b", "-o", "new/noise.png")
    assert (result.code, result.out, result.err) == (0, "new/noise.png\n", "")
    assert Path("new/noise.png").read_bytes().startswith(b"\x89PNG")
    result = run("spectrum", "a", "b", "-o", "new/spectrum.png")
    assert (result.code, result.out, result.err) == (0, "new/spectrum.png\n", "")
    assert Path("new/spectrum.png").read_bytes().startswith(b"\x89PNG")
    result = run("report", "a", "b", "-o", "other/page.html", "--title", "Two & more")
    assert (result.code, result.out, result.err) == (0, "other/page.html\n", "")
    assert "Two &amp; more" in Path("other/page.html").read_text()


def test_heatmap_takes_measures_variant_and_axis(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    saved("a")
    drawn: list[Any] = []
    monkeypatch.setattr(deepnrc.Report, "heatmap", lambda self, measure, **options: drawn.append((measure, options)))
    for more in (
        [],
        ["--measure", "deep.cka", "--variant", "signal"],
        ["--measure", "deep.cka", "nrc.1"],
        ["--measure"],
    ):
        assert run("heatmap", "a", "-o", "x.svg", *more, "--across", "step").code == 0
    assert [measure for measure, _ in drawn] == ["deep.noise_fraction", "deep.cka", ["deep.cka", "nrc.1"], None]
    assert [options["variant"] for _, options in drawn] == ["default", "signal", "default", "default"]
    assert all(options["across"] == "step" and options["path"] == Path("x.svg") for _, options in drawn)


def test_spectrum_takes_kind_axis_step_and_run(run: Run) -> None:
    saved("a", "b")
    told = ["--of", "weight", "--along", "depth", "--step", "0", "--run", "b"]
    assert run("spectrum", "a", "b", "-o", "x.svg", *told).code == 0
    text = Path("x.svg").read_text(encoding="utf-8")
    assert "Singular values of the weights" in text
    assert "values 1 to 2" in text
    assert "Step 7 was not measured" in refusal(run("spectrum", "a", "-o", "x.svg", "--step", "7"), 2)
    assert "There is no run 'c'" in refusal(run("spectrum", "a", "b", "-o", "x.svg", "--run", "c"), 2)


def test_noise_by_rank_is_drawn_over_k(run: Run) -> None:
    saved("a", "b")
    assert run("spectrum", "a", "b", "-o", "x.svg", "--of", "noise-by-rank").code == 0
    assert "Noise by signal rank" in Path("x.svg").read_text(encoding="utf-8")
    said = refusal(run("spectrum", "a", "-o", "y.svg", "--of", "noise-by-rank", "--along", "depth"), 2)
    assert "drawn over k" in said


def test_a_network_s_own_number_is_not_a_heatmap_and_the_command_that_shows_it_is_named(run: Run) -> None:
    saved("a")
    said = refusal(run("heatmap", "a", "-o", "x.png", "--measure", "model.mse"), 2)
    assert said.endswith("and not one a layer. `deepnrc report` shows it.\n")


def test_tau_reaches_the_picture_and_the_page(run: Run) -> None:
    saved("a")
    assert run("heatmap", "a", "-o", "x.svg", "--tau", "0.9").code == run("report", "a", "-o", "x.html").code == 0
    assert "0.90 τ" in Path("x.svg").read_text(encoding="utf-8")
    assert "noise &lt;= 0.2" in Path("x.html").read_text(encoding="utf-8")
    assert run("report", "a", "-o", "x.html", "--tau", "0.9").code == 0
    assert "noise &lt;= 0.9" in Path("x.html").read_text(encoding="utf-8")
    for command in ("heatmap", "report"):
        assert "tau is a noise fraction" in refusal(run(command, "a", "-o", "new/x.png", "--tau", "1"), 2)


@pytest.mark.parametrize("command", ["heatmap", "spectrum", "report"])
def test_reports_that_cannot_be_read_or_written_are_refused(run: Run, command: str) -> None:
    saved("a")
    assert "'absent' is not a saved report: it has no readable manifest.json" in refusal(
        run(command, "absent", "-o", "new/x.png"), 3
    )
    assert not Path("new").exists()
    assert "'a' is a folder. Name a file in it with -o." in refusal(run(command, "a", "-o", "a"), 2)
    words = "net.py' is a file where a folder is needed. Name another one."
    assert words in refusal(run(command, "a", "-o", "net.py/x.png"), 2)
    assert "The report 'a' is named twice. Name each once." in refusal(run(command, "a", "a", "-o", "x.png"), 2)
    manifest = json.loads(Path("a/manifest.json").read_text())
    Path("a/manifest.json").write_text(json.dumps([manifest]))
    assert "manifest.json in 'a' is not a report's: it holds a list" in refusal(run(command, "a", "-o", "x.png"), 3)


@pytest.mark.parametrize("command", ["heatmap", "spectrum", "report"])
def test_a_picture_or_page_that_cannot_be_written_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    saved("a")

    def denied(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(deepnrc.Report, "heatmap", denied)
    monkeypatch.setattr(deepnrc.Report, "spectrum", denied)
    monkeypatch.setattr(deepnrc.Report, "html", denied)
    words = "'x.svg' cannot be written (Permission denied). Name a file that you may write to with -o."
    assert words in refusal(run(command, "a", "-o", "x.svg"), 2)


def process(*arguments: str, pipe: str = "") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(deepnrc.__file__).parent.parent), "PYTHONWARNINGS": "error"}
    environment["PYTHONUNBUFFERED"] = ""  # so that a short output is written at the very end
    command = f'"{sys.executable}" -m deepnrc {" ".join(arguments)} {pipe}; exit ${{PIPESTATUS[0]}}'
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment, check=False)


def test_as_a_process_it_ends_with_the_code_and_one_line(run: Run) -> None:
    result = process("probe", "net.py:net", "--data", "absent.npz", "--out", "out")
    assert (result.returncode, result.stdout) == (3, "")
    assert result.stderr.startswith("deepnrc: There is no file 'absent.npz' (looked from ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [["layers", "net.py:net"], ["probes"]], ids=["short", "long"])
def test_a_reader_that_has_seen_enough_is_no_error(run: Run, command: list[str]) -> None:
    result = process(*command, pipe="| true")
    assert (result.returncode, result.stderr) == (0, "")
