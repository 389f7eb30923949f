import numpy as np
import pytest
import torch

from deepnrc.errors import UsageError
from experiments.soundness.coverage import MEASURES, TARGETS, Coverage, population
from probes import CATALOG


def truth(d):
    known = population(d, 0).known()
    return {
        probe.name: probe.outcome(known).value
        for probe in CATALOG
        if probe.name in MEASURES and probe.variant == "default"
    }


def test_the_truth_is_what_many_samples_read():
    whole, d = population(12, 0), 12
    rows = whole.drawn(400_000, torch.Generator().manual_seed(0)).numpy()
    S = np.cov(rows.T)
    values, vectors = np.linalg.eigh(S[:d, :d])
    V = vectors[:, ::-1][:, :TARGETS]
    right = np.linalg.svd(whole.W.numpy())[2][:TARGETS].T
    expected = {
        "deep.noise_fraction": values[: d - TARGETS].sum() / values.sum(),
        "deep.feature_weight_alignment": np.linalg.svd(V.T @ right)[1].mean(),
        "deep.cka": (S[:d, d:] ** 2).sum() / np.linalg.norm(S[:d, :d]) / np.linalg.norm(S[d:, d:]),
        "deep.linear_r2": np.trace(S[d:, :d] @ np.linalg.solve(S[:d, :d], S[:d, d:])) / np.trace(S[d:, d:]),
    }
    for name, value in truth(d).items():
        assert value == pytest.approx(expected[name], rel=0.01), name
        assert 0.05 < value < 0.995, name


def test_intervals_hold_the_truth_about_as_often_as_promised():
    cells = list(Coverage(draws=40, widths=(8,), sizes=(400,)).cells())
    assert [cell.measure for cell in cells] == list(MEASURES)
    assert [cell.had for cell in cells] == [40] * 4
    assert all(34 <= cell.held <= 40 for cell in cells), cells


def test_it_prints_and_writes_a_table(tmp_path, capsys):
    Coverage(draws=2, groups=4, widths=(6,), sizes=(40, 60), out=tmp_path / "docs" / "coverage.md").run()
    printed = capsys.readouterr().out
    assert printed.count("| `deep.cka` | 6 |") == 2
    written = (tmp_path / "docs" / "coverage.md").read_text()
    assert written.startswith("# How often an interval holds the truth\n")
    assert written.endswith(f"\n\n{printed}")


@pytest.mark.parametrize("wrong", [{"draws": 0}, {"groups": 1}, {"sizes": (60,)}, {"widths": (3,)}, {"sizes": ()}])
def test_refuses_what_makes_no_intervals(wrong):
    with pytest.raises(UsageError, match="--sizes 4 times the groups"):
        Coverage(**wrong)
