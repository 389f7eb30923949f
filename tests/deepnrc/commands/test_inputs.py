"""What `deepnrc probe` and `deepnrc definitions` are given alike."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepnrc.commands.definitions import Definitions
from deepnrc.commands.inputs import InputArguments
from deepnrc.commands.probe import ProbeCommand

Call = Callable[..., Any]


@pytest.mark.parametrize("command", [Definitions, ProbeCommand])
def test_every_command_that_probes_has_them(command: type[InputArguments]) -> None:
    assert {field.name for field in fields(command)} > {field.name for field in fields(InputArguments)}


def test_definitions_reads_network_and_samples_as_probe_does(run: Call, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(60, 6)).round(3)
    lines = ["id;a;b;c;d;u;v", *(";".join(map(str, [i, *row])) for i, row in enumerate(values))]
    (tmp_path / "rows.csv").write_text("\n".join(lines).replace(".", ","))
    table = ["--data", "rows.csv", "--targets", "u,v", "--drop", "id", "--sep", ";", "--decimal", ","]
    result = run("definitions", "net.py:net", *table, "--layers", "2", "4", "--max-samples", "50", "--top", "4")
    assert (result.code, result.err) == (0, "")
    assert "noise (net, step 0)" in result.out
    batch = run("definitions", "net.py:net", "--data", "net.py:named", "--batch", "image", "angle.left")
    assert batch.code == 0


def test_definitions_passes_on_what_probe_refuses(run: Call, refusal: Call) -> None:
    said = refusal(run("definitions", "net.py:net", "--data", "net.py:loader", "--output", "nothing"), 2)
    assert "nothing" in said
