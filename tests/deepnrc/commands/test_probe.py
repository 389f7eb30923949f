"""`deepnrc layers` and `deepnrc probe`."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

import deepnrc

Call = Callable[..., Any]


def test_a_report_that_is_there_stays_unless_it_may_be_replaced(run: Call, refusal: Call, probed: Call) -> None:
    assert probed(run, "--run", "mine").code == 0
    command = ["probe", "net.py:net", "--data", "net.py:loader", "--out", "out"]
    said = "'out' holds a report already. Name another folder, or say --replace."
    assert said in refusal(run(*command), 2)
    assert deepnrc.load("out").runs == ["mine"]
    assert run(*command, "--replace").code == 0
    assert deepnrc.load("out").runs == ["net"]


def test_layers_shows_what_would_be_probed(run: Call) -> None:
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
    assert re.search(r"1 pass over the data within [\d.]+ .B, and about 0\.0 s of measuring", result.out)
    assert "3 passes over the data within 800 B" in run("layers", "net.py:net", "--memory", "800").out


def test_layers_shows_what_a_sketch_takes(run: Call, refusal: Call) -> None:
    lines = [line.split() for line in run("layers", "net.py:net", "--sketch", "4").out.splitlines()]
    assert [line[-2] for line in lines[1:4]] == ["200", "616", "472"]  # 8 (4 + 1)^2, and 8 (4 d + (d + 1) (4 + 1))
    assert "--sketch is how many random directions are kept, at least 1; it is 0." in refusal(
        run("layers", "net.py:net", "--sketch", "0"), 2
    )


def test_layers_are_chosen_by_kind_and_glob(run: Call) -> None:
    for chosen, names in ((["weights", "!2"], ["0", "4"]), (["0", "1"], ["0", "1"]), (["!?"], [])):
        result = run("layers", "net.py:net", "--layers", *chosen)
        assert result.code == (0 if names else 2)
        assert [line.split()[0] for line in result.out.splitlines()[1:3] if names] == names


def test_layers_names_what_is_left_out_and_why(run: Call) -> None:
    pytest.importorskip("timm")
    result = run("layers", "timm:test_resnet")
    assert result.code == 0
    assert "called a shortcut: 'layer2.0.downsample.1', " in result.out
    assert "probe leaves out what the first batch shows to lie on one" in result.out


@pytest.mark.parametrize(
    ("data", "more"), [("data.npz", ()), ("data.csv", ("--targets", "y0,y1")), ("net.py:loader", ())]
)
def test_probe_measures_prints_and_saves_the_same_from_any_form_of_data(
    run: Call, names: dict[str, Any], probed: Call, data: str, more: tuple[str, ...]
) -> None:
    result = probed(run, *more, data=data)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("No layer is ")
    assert "\n\nnet, step 0: N = 64 samples, n = 2 targets, k = 2\n" in result.out
    assert result.out.endswith("\nSaved in out. Next: deepnrc report out -o report.html\n")
    expected = deepnrc.probe(names["net"](), names["raw"](), run="net", progress=False)
    loaded = deepnrc.load("out")
    assert str(expected) in result.out
    pd.testing.assert_frame_equal(loaded.table, expected.table, rtol=1e-6)


def test_probe_hands_its_options_on(run: Call, probed: Call) -> None:
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


def test_held_out_samples_and_groups_are_asked_for(run: Call, refusal: Call, probed: Call) -> None:
    more = ["--held-out", "net.py:loader", "--groups", "4", "--probes", "deep.noise_fraction", "--layers", "2"]
    assert probed(run, *more).code == 0
    table = deepnrc.load("out").table
    assert table["variant"].tolist() == ["default", "held out"]
    assert table["value"].iloc[0] == pytest.approx(table["value"].iloc[1], rel=1e-12)
    assert table[["corrected", "low", "high"]].notna().sum(axis=1).tolist() == [3, 0]
    assert "Take fewer --groups, or more samples" in refusal(probed(run, "--groups", "32"), 2)
    assert "Give a number of groups: --groups 16" in refusal(probed(run, "--groups", "episodes"), 2)
    assert "--groups must be a number" in refusal(probed(run, "--groups", "many"), 2)


def test_a_reference_is_untrained_or_a_saved_report(run: Call, refusal: Call, probed: Call, saved: Call) -> None:
    assert probed(run, "--reference", "untrained").code == 0
    noise = deepnrc.load("out").values("deep.noise_fraction")
    assert noise["reference"].notna().all()
    assert (noise["reference"] != noise["value"]).iloc[1:].all()  # behind the input, of weights that are drawn anew
    saved("twin")
    assert probed(run, "--reference", "twin").code == 0
    loaded = deepnrc.load("out")
    noise = loaded.values("deep.noise_fraction")
    assert noise["reference"].tolist() == pytest.approx(noise["value"].tolist())
    assert loaded.provenance[0]["reference"]["run"] == "twin"
    assert "'nowhere' is not a saved report" in refusal(probed(run, "--reference", "nowhere"), 3)


def test_the_parts_of_a_batch_are_named(run: Call, refusal: Call, probed: Call) -> None:
    assert probed(run).code == 0
    pairs = deepnrc.load("out").table["value"]
    assert probed(run, "--batch", "image", "angle.left", data="net.py:named").code == 0
    assert deepnrc.load("out").table["value"].equals(pairs)
    assert "batch 1 is a dict with neither labels nor label" in refusal(probed(run, data="net.py:named"), 2)


def test_probe_loads_a_checkpoint(run: Call, names: dict[str, Any], probed: Call) -> None:
    net = names["net"]()
    with torch.no_grad():
        net[4].weight.mul_(3)
    torch.save({"model": names["net"]().state_dict(), "ema": {"model": net.state_dict()}}, "net.pt")
    assert probed(run, "--checkpoint", "net.pt", "--state-key", "ema.model").code == 0
    expected = deepnrc.probe(net, names["raw"](), run="net", progress=False)
    value = deepnrc.load("out").values("model.mse")["value"].item()
    assert value == pytest.approx(expected.values("model.mse")["value"].item())


def test_a_folder_of_checkpoints_is_one_report(run: Call, refusal: Call, names: dict[str, Any]) -> None:
    net = names["net"]()
    Path("ck").mkdir()
    for step in (2, 10):
        with torch.no_grad():
            net[4].weight.mul_(step)
        torch.save(net.state_dict(), f"ck/net-{step}.pt")
    command = ["probe", "net.py:net", "--data", "net.py:loader", "--out", "out", "--probes", "deep.weight_stable_rank"]
    result = run(*command, "--checkpoint", "ck/*.pt")
    assert (result.code, result.err) == (0, "")
    assert deepnrc.load("out").steps == [2, 10]
    Path("ck/net-3.pt").write_bytes(b"x")
    result = run(*command, "--checkpoint", "ck")
    assert result.code == 3
    assert "net-3.pt is passed over. 'ck/net-3.pt' is not a checkpoint" in result.err
    assert "could not be read: 'net-3.pt'" in result.err
    assert deepnrc.load("out").steps == [2, 10]
    assert "--steps name a step twice" in refusal(run(*command, "--checkpoint", "ck", "--steps", "1", "1", "2"), 2)
    assert "There is no checkpoint at 'no*.pt'" in refusal(run(*command, "--checkpoint", "no*.pt"), 2)


def test_strict_tells_of_degenerate_values_with_4_and_still_saves(run: Call, probed: Call) -> None:
    assert probed(run, "--strict").code == 0
    assert probed(run, net="net.py:dead").code == 0
    result = probed(run, "--strict", net="net.py:dead")
    assert (result.code, result.err) == (4, "")
    assert result.out.splitlines()[2].startswith(
        "! 2, 4: the features do not vary over the samples (dead or constant layer)"
    )
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
def test_wrong_usage_is_one_line_and_2(
    run: Call, refusal: Call, probed: Call, options: dict[str, Any], words: str
) -> None:
    result = probed(run, *options.pop("more", ()), **options)
    assert words in refusal(result, 2)
    assert not Path("out").exists()


def test_unknown_networks_of_a_library_are_refused_with_the_nearest(run: Call, refusal: Call) -> None:
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
def test_what_cannot_be_read_is_one_line_and_3(
    run: Call, refusal: Call, probed: Call, options: dict[str, Any], words: str
) -> None:
    result = probed(run, *options.pop("more", ()), **options)
    assert words in refusal(result, 3)
    assert not Path("out").exists()


def test_a_checkpoint_that_does_not_fit_lists_the_keys(run: Call, refusal: Call, probed: Call) -> None:
    torch.save({"fc.weight": torch.zeros(2)}, "net.pt")
    words = "do not fit the network (6 missing: '0.weight', '0.bias', "
    assert words in refusal(probed(run, "--checkpoint", "net.pt"), 3)


@pytest.mark.parametrize("out", ["net.py", "net.py/deeper"])
def test_an_output_folder_that_is_a_file_is_refused_before_measuring(
    run: Call, refusal: Call, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.setattr(deepnrc, "probe", lambda *_, **__: pytest.fail("it measured"))
    result = run("probe", "net.py:net", "--data", "net.py:loader", "--out", out)
    assert "net.py' is a file where a folder is needed. Name another one." in refusal(result, 2)


def test_the_summary_is_not_lost_when_saving_fails(run: Call, probed: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    result = probed(run)
    assert result.code == 2
    assert "N = 64 samples" in result.out
    assert "Saved" not in result.out
    assert result.err.startswith("deepnrc: The report cannot be written to 'out' (No space left on device). Name")


@pytest.mark.parametrize(
    ("more", "status", "top"),
    [
        ((), "not defined", ""),
        (("--output", "policy.1"), "ok", "spread"),
        (("--output", "policy.-2"), "ok", "mean"),
        (("--top", "mean", "--output", "1.1"), "ok", "mean"),
        (("--top", "spread"), "ok", "spread"),
    ],
)
def test_the_output_and_the_top_are_named(
    run: Call, probed: Call, more: tuple[str, ...], status: str, top: str
) -> None:
    assert probed(run, *more, "--probes", "nrc.2", "model.mse", net="net.py:heads").code == 0
    row = deepnrc.load("out").table.query("measure == 'nrc.2'").iloc[0]
    assert (row["status"], row["layer"] if top else "") == (status, top)


def test_outputs_and_tops_that_are_not_there_are_refused(run: Call, refusal: Call, probed: Call) -> None:
    said = refusal(probed(run, "--output", "polcy", net="net.py:heads"), 2)
    assert "--output polcy: the network returned nothing of this name" in said
    assert "nothing of this name" in refusal(probed(run, "--output", "policy.²", net="net.py:heads"), 2)
    assert "--top meen is not probed. Did you mean 'mean'?" in refusal(
        probed(run, "--top", "meen", net="net.py:heads"), 2
    )
