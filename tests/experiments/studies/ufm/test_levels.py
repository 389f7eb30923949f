import pytest
import torch

from experiments.studies.ufm.levels import levels, model
from probes.ufm import ClassMinimum


@pytest.mark.parametrize("relu", [False, True])
def test_the_closed_forms_minimiser_is_collapsed_at_every_level(relu):
    minimum = ClassMinimum(4, 10, 0.005, (0.01, 0.02), relu=relu)
    H, weights, _ = minimum.at(20)
    problem = model(minimum)
    point = [part[None] for part in (H, *weights)]
    assert float(problem.evaluate(point)[0]) == pytest.approx(minimum.loss, rel=1e-12)
    found = levels(problem, point, 0)
    assert [(r["layer"], r["measure"]) for r in found] == [(level, f"nc.{i}") for level in "12" for i in (1, 2, 3)]
    assert max(r["value"] for r in found) < 1e-12


def test_a_frame_that_is_squeezed_shows_at_its_level_only():
    minimum = ClassMinimum(3, 5, 0.005, (0.005, 0.005))
    H, (lower, upper), _ = minimum.at(8)
    squeeze = torch.eye(8, dtype=torch.float64)
    squeeze[0, 0] = 0.2
    found = levels(model(minimum), [part[None] for part in (H @ squeeze, lower @ squeeze.inverse(), upper)], 0)
    frame = {r["layer"]: r["value"] for r in found if r["measure"] == "nc.2"}
    assert frame["1"] > 0.1
    assert frame["2"] < 1e-12
