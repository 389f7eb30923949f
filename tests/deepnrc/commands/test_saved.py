"""`deepnrc heatmap`, `spectrum` and `report`, of saved reports."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import deepnrc

Call = Callable[..., Any]


def test_heatmap_and_report_write_into_new_folders_and_say_where(run: Call, saved: Call, sketching: Call) -> None:
    pytest.importorskip("deepnrc.figures")
    pytest.importorskip("deepnrc.page.document")
    saved("a", "b")
    result = run("heatmap", "a", "b", "-o", "new/noise.png")
    assert (result.code, result.out, result.err) == (0, "new/noise.png\n", "")
    assert Path("new/noise.png").read_bytes().startswith(b"\x89PNG")
    result = run("spectrum", "a", "b", "-o", "new/spectrum.png")
    assert (result.code, result.out, result.err) == (0, "new/spectrum.png\n", "")
    assert Path("new/spectrum.png").read_bytes().startswith(b"\x89PNG")
    with sketching():
        result = run("report", "a", "b", "-o", "other/page.html", "--title", "Two & more")
    assert (result.code, result.out, result.err) == (0, "other/page.html\n", "")
    assert "Two &amp; more" in Path("other/page.html").read_text()


def test_heatmap_takes_measures_variant_and_axis(run: Call, saved: Call, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_spectrum_takes_kind_axis_step_and_run(run: Call, refusal: Call, saved: Call) -> None:
    saved("a", "b")
    told = ["--of", "weight", "--along", "depth", "--step", "0", "--run", "b"]
    assert run("spectrum", "a", "b", "-o", "x.svg", *told).code == 0
    text = Path("x.svg").read_text(encoding="utf-8")
    assert "Singular values of the weights" in text
    assert "values 1 to 2" in text
    assert "Step 7 was not measured" in refusal(run("spectrum", "a", "-o", "x.svg", "--step", "7"), 2)
    assert "There is no run 'c'" in refusal(run("spectrum", "a", "b", "-o", "x.svg", "--run", "c"), 2)


def test_noise_by_rank_is_drawn_over_k(run: Call, refusal: Call, saved: Call) -> None:
    saved("a", "b")
    assert run("spectrum", "a", "b", "-o", "x.svg", "--of", "noise-by-rank").code == 0
    assert "Noise by signal rank" in Path("x.svg").read_text(encoding="utf-8")
    said = refusal(run("spectrum", "a", "-o", "y.svg", "--of", "noise-by-rank", "--along", "depth"), 2)
    assert "drawn over k" in said


def test_a_network_s_own_number_is_not_a_heatmap_and_the_command_that_shows_it_is_named(
    run: Call, refusal: Call, saved: Call
) -> None:
    saved("a")
    said = refusal(run("heatmap", "a", "-o", "x.png", "--measure", "model.mse"), 2)
    assert said.endswith("and not one a layer. `deepnrc report` shows it.\n")


def test_tau_reaches_the_picture_and_the_page(run: Call, refusal: Call, saved: Call, sketching: Call) -> None:
    saved("a")
    assert run("heatmap", "a", "-o", "x.svg", "--tau", "0.9").code == 0
    assert "0.90 τ" in Path("x.svg").read_text(encoding="utf-8")
    for more, said in ((), "0.2"), (("--tau", "0.9"), "0.9"):
        with sketching():
            assert run("report", "a", "-o", "x.html", *more).code == 0
        assert f"noise &lt;= {said}" in Path("x.html").read_text(encoding="utf-8")
    for command in ("heatmap", "report"):
        assert "tau is a noise fraction" in refusal(run(command, "a", "-o", "new/x.png", "--tau", "1"), 2)


@pytest.mark.parametrize("command", ["heatmap", "spectrum", "report"])
def test_reports_that_cannot_be_read_or_written_are_refused(
    run: Call, refusal: Call, saved: Call, command: str
) -> None:
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
    run: Call, refusal: Call, saved: Call, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    saved("a")

    def denied(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(deepnrc.Report, "heatmap", denied)
    monkeypatch.setattr(deepnrc.Report, "spectrum", denied)
    monkeypatch.setattr(deepnrc.Report, "html", denied)
    words = "'x.svg' cannot be written (Permission denied). Name a file that you may write to with -o."
    assert words in refusal(run(command, "a", "-o", "x.svg"), 2)


OBEYED = "\x1b]0;owned\x07\x1b[2J\x9b1m\r\u202e"


def test_what_names_hold_is_shown_wherever_it_is_printed(
    run: Call, names: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a run, layers, classes, measures, notes and records of somebody else's report, and of a file."""
    report = deepnrc.probe(names["net"](), names["raw"](), probes=["deep.noise_fraction", "nrc.1"], progress=False)
    evil = f"run{OBEYED}\nrun"
    table = report.table.assign(kind=OBEYED, note=OBEYED, run=evil, measure=report.table["measure"] + OBEYED)
    table["layer"] = table["layer"].where(table["depth"] < 0, table["layer"] + OBEYED)
    table.loc[table.index[::7], "status"] = "degenerate"
    record = dict(report.provenance[0], run=evil, left_out=[[OBEYED, OBEYED]])
    deepnrc.Report(pd.concat([report.table.assign(run=evil), table]), (record,)).save("evil")
    monkeypatch.setattr(deepnrc.Report, "html", lambda *_, **__: None)
    said = [
        str(deepnrc.load("evil")),
        run("report", "evil", "-o", f"page{OBEYED}.html").out,
        run("spectrum", "evil", "-o", "y.svg", "--run", f"no{OBEYED}").err,
        run("heatmap", f"no{OBEYED}", "-o", "y.svg").err,
    ]
    for text in said:
        assert not set(text) & set("\x1b\x07\x9b\r\u202e")
        assert r"\x1b]0;owned\x07\x1b[2J\x9b1m\r\u202e" in text
    assert r"run\x1b]0;owned\x07\x1b[2J\x9b1m\r\u202e\nrun, step 0" in said[0]


@pytest.mark.filterwarnings("default")
def test_a_class_or_a_layer_named_to_be_obeyed_is_shown_before_it_is_probed(run: Call) -> None:
    code = (
        "import torch, warnings\n"
        "class Odd(torch.nn.Linear):\n    pass\n"
        "Odd.__name__ = Odd.__qualname__ = 'Odd\\x1b[2J'\n"
        "def net():\n"
        "    made = torch.nn.Sequential()\n"
        "    made.add_module('fc\\x1b[31m\\r', Odd(4, 2))\n"
        "    made.add_module('pool\\x1b[31m', torch.nn.Bilinear(2, 2, 2))\n"
        "    warnings.warn('odd\\x1b[2J')\n"
        "    return made\n"
    )
    Path("odd.py").write_text(code)
    result = run("layers", "odd.py:net")
    assert result.code == 0
    assert r"fc\x1b[31m\r" in result.out
    assert r"Odd\x1b[2J" in result.out
    assert r"deepnrc: warning: odd\x1b[2J" in result.err
    assert "\x1b" not in result.out + result.err
    said = run("layers", "odd.py:net", "--layers", "nope\x1b[2J").err
    assert "\x1b" not in said
    assert r"'fc\x1b[31m\r'" in said


def test_readings_are_written_as_a_csv_of_which_nothing_is_a_formula(run: Call) -> None:
    result = run("definitions", "net.py:net", "--data", "data.npz", "-o", "new/readings.csv")
    assert result.code == 0
    assert Path("new/readings.csv").read_text().startswith("run,step,depth,layer,quantity")
