import math
from dataclasses import replace

import pandas as pd
import pytest

from experiments.studies.ufm import classes
from experiments.studies.ufm.agreement import END, Row
from experiments.studies.ufm.descent import descend, finish
from experiments.studies.ufm.levels import levels, model
from probes.ufm import ClassMinimum


@pytest.mark.parametrize("setting", [s for s in classes.PUBLISHED if not s.relu], ids=lambda s: s.label)
def test_two_linear_levels_collapse_to_orthogonal_frames_together(setting):
    problem = model(setting.minimum)
    point = finish(problem, problem.start(0))
    assert float(problem.evaluate(point)[0]) == pytest.approx(setting.minimum.loss, abs=1e-10)
    found = levels(problem, point, 0)
    assert [(r["layer"], r["measure"]) for r in found] == [(level, f"nc.{i}") for level in "12" for i in (1, 2, 3)]
    assert max(r["value"] for r in found) < 1e-6


def test_plain_descent_keeps_the_known_pace():
    setting = next(s for s in classes.PUBLISHED if s.label == "K = 4, linear")
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
    found = {(s.label, s.n, s.lambdas) for s in classes.PUBLISHED}
    assert found == {
        ("K = 4, linear", 50, (0.005, 0.005, 0.005)),
        ("K = 4, ReLU", 50, (0.005, 0.005, 0.005)),
        ("K = 5, linear", 100, (0.005, 0.0025, 0.001)),
        ("K = 5, ReLU", 100, (0.005, 0.0025, 0.001)),
    }
    assert next(s for s in classes.PUBLISHED if s.label == "K = 5, linear").minimum.loss == pytest.approx(0.0793136058)


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


@pytest.mark.parametrize("off", [1e-3, -1e-3])
@pytest.mark.parametrize("setting", classes.PUBLISHED[2:], ids=lambda s: s.label)
def test_a_predicted_loss_that_is_too_high_is_no_more_reached_than_one_too_low(monkeypatch, setting, off):
    setting = replace(setting, n=8)
    _, reached = classes.followed(setting, 1, 20, False)
    true = ClassMinimum.loss.fget
    monkeypatch.setattr(ClassMinimum, "loss", property(lambda self: true(self) + off))
    _, missed = classes.followed(setting, 1, 20, False)
    assert (reached.near, missed.near) == (1, 0)
    assert missed.reached == reached.reached


def ends(losses, frames, below=0.5):
    """A table of two runs of both models, with the deepest nc.2 of each seed of the ReLU model."""
    shared = {"iteration": END, "predicted": 0.0}
    records = [
        {"setting": "K = 4, linear", "seed": 0, "layer": level, "measure": "nc.2", "value": 0.0} for level in "12"
    ]
    for seed, (loss, frame) in enumerate(zip(losses, frames, strict=True)):
        own = {"setting": "K = 4, ReLU", "seed": seed}
        records += [
            own | {"layer": "network", "measure": "loss", "value": loss},
            own | {"layer": "1", "measure": "nc.2", "value": below},
            own | {"layer": "2", "measure": "nc.2", "value": frame},
        ]
    curve = [
        {"setting": f"K = 4, {kind}", "seed": 0, "layer": level, "measure": "nc.1", "value": 0.5, "iteration": 0}
        for kind in ("linear", "ReLU") for level in "12"
    ]  # fmt: skip
    return pd.DataFrame([shared | record for record in records + curve])


def judged(table, *beginnings, gap=0.0):
    """The claims that begin so, for rows that ended so far from the predicted loss."""
    rows = [Row("", f"K = 4, {kind}", 0.1, 0.1 + gap, 1, 1, 0.0, "", 1.0) for kind in ("linear", "ReLU")]
    claims = classes._claims(rows, table)
    return [claim for words in beginnings for claim in claims if claim.statement.startswith(words)]


def test_the_deepest_frame_is_read_at_the_seed_of_lowest_loss():
    other = ends([0.1, 0.2], [0.01, 0.9]).replace("K = 4, ReLU", "K = 5, ReLU").query("setting == 'K = 5, ReLU'")
    table = pd.concat([ends([0.3, 0.1, 0.2], [0.0, 0.5, 0.25]), other])
    assert classes.deepest_frame(table) == 0.5
    assert judged(table, "ReLU: the deepest features")[0].measured == 0.5


def test_values_that_were_not_read_make_their_claims_not_measurable():
    names = ("ReLU: the deepest", "ReLU: the level below", "Linear: both levels")

    def found(table):
        return [claim.answer for claim in judged(table, *names)]

    assert found(ends([0.1], [0.0])) == ["holds"] * 3
    assert found(ends([0.2, 0.1], [0.0, math.nan])) == ["cannot be judged", "holds", "holds"]
    assert found(ends([0.2, math.nan], [0.0, 0.0])) == ["cannot be judged", "holds", "holds"]
    assert found(ends([0.1], [0.0], below=math.nan)) == ["holds", "cannot be judged", "holds"]
    blind = ends([0.1], [0.0])
    blind.loc[0, "value"] = math.nan
    assert found(blind) == ["holds", "holds", "cannot be judged"]


@pytest.mark.parametrize(("gap", "answer"), [(-1e-3, "does not hold"), (math.nan, "cannot be judged")])
def test_ends_away_from_the_predicted_loss_do_not_hold(gap, answer):
    found = judged(ends([0.1], [0.0]), "Two linear levels reach", "With a ReLU the lowest start", gap=gap)
    assert [claim.answer for claim in found] == [answer, answer]
