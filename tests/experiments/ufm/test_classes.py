import pandas as pd
import pytest

from experiments.ufm import classes
from experiments.ufm.descent import descend, finish
from experiments.ufm.levels import levels, model
from experiments.ufm.parts import END
from probes.ufm import ClassMinimum


@pytest.mark.parametrize("setting", [s for s in classes.SETTINGS if not s.relu], ids=lambda s: s.label)
def test_two_linear_levels_collapse_to_orthogonal_frames_together(setting):
    problem = model(setting.minimum)
    point = finish(problem, problem.start(0))
    assert float(problem.evaluate(point)[0]) == pytest.approx(setting.minimum.loss, abs=1e-10)
    found = levels(problem, point, 0)
    assert [(r["layer"], r["measure"]) for r in found] == [(level, f"nc.{i}") for level in "12" for i in (1, 2, 3)]
    assert max(r["value"] for r in found) < 1e-6


def test_plain_descent_keeps_the_known_pace():
    setting = next(s for s in classes.SETTINGS if s.label == "K = 4, linear")
    problem = model(setting.minimum)
    point = descend(problem, problem.start(0, 0.1, 0.1), 3000)
    assert float(problem.evaluate(point)[0]) - setting.minimum.loss == pytest.approx(4e-3, rel=0.3)


def test_with_a_relu_the_deepest_level_collapses_to_a_frame_and_the_one_below_does_not():
    minimum = ClassMinimum(3, 10, 0.01, (0.01, 0.01), relu=True)
    problem = model(minimum, d=8)
    ends = [finish(problem, descend(problem, problem.start(seed), 3000), iterations=500) for seed in range(3)]
    best = min(ends, key=lambda point: float(problem.evaluate(point)[0]))
    assert float(problem.evaluate(best)[0]) == pytest.approx(minimum.loss, abs=1e-5)
    values = {(r["layer"], r["measure"]): r["value"] for r in levels(problem, best, 0)}
    assert values["2", "nc.2"] < 0.02
    assert values["1", "nc.2"] > 0.2


def test_the_published_settings_are_those_published():
    found = {(s.label, s.n, s.lambdas) for s in classes.SETTINGS}
    assert found == {
        ("K = 4, linear", 50, (0.005, 0.005, 0.005)),
        ("K = 4, ReLU", 50, (0.005, 0.005, 0.005)),
        ("K = 5, linear", 100, (0.005, 0.0025, 0.001)),
        ("K = 5, ReLU", 100, (0.005, 0.0025, 0.001)),
    }
    assert next(s for s in classes.SETTINGS if s.label == "K = 5, linear").minimum.loss == pytest.approx(0.0793136058)


def test_levels_are_compared_between_one_and_a_thousandth():
    table = pd.DataFrame(
        [
            {"setting": "linear", "seed": 0, "iteration": i, "layer": layer, "measure": "nc.1", "value": value}
            for i, pair in enumerate([(5.0, 1e-2), (0.9, 0.3), (0.2, 0.8), (1e-2, 1e-5)])
            for layer, value in zip("12", pair, strict=True)
        ]
        + [{"setting": "linear", "seed": 0, "iteration": END, "layer": "1", "measure": "nc.1", "value": 0.5}]
    )
    assert classes.along(table, "linear").tolist() == pytest.approx([4.0])
