"""How cost grows: the power is that of the sizes, and every kind of size is timed and drawn."""

import pytest

from experiments.benchmark import growth
from experiments.benchmark.growth import Grown, Growth


@pytest.mark.parametrize("power", [0, 1, 2.5])
def test_the_power_is_that_between_the_middle_and_the_last_size(power):
    sizes = [1, 2, 4, 8]
    found = Grown("width", "work", sizes, [9.0, *(3.0 * size**power for size in sizes[1:])])
    assert found.power == pytest.approx(power)
    assert found.line.startswith("| width | work | 1, 2, 4, 8 | 9, ")


def test_each_size_is_timed_twice_and_the_document_has_its_figure(monkeypatch, tmp_path, capsys):
    asked = []
    monkeypatch.setattr(
        growth, "CASES", tuple((f"size {i}", "work", 3, lambda n: asked.append(n) or n) for i in range(6))
    )
    Growth(tmp_path / "growth.md", sizes=2).run()
    assert asked[:5] == [3, 3, 3, 6, 6]
    told = (tmp_path / "growth.md").read_text()
    assert "| size 0 | work | 3, 6 | 3, 6 | 1.0 |" in told
    assert "| size 5 | work" in capsys.readouterr().out
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("case", growth.CASES, ids=lambda case: case[0])
def test_every_kind_is_timed(case, monkeypatch):
    monkeypatch.setattr("deepnrc.Report.html", lambda report, path: None)
    assert case[3](2) >= 0
