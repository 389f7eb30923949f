import itertools

import pandas as pd
import pytest
from matplotlib.figure import Figure

from deepnrc.figures.curves.axis import by_depth, by_place, by_step, values
from probes import CATALOG


@pytest.fixture
def ax():
    return Figure(figsize=(4, 3)).subplots()


def named(*names):
    return pd.DataFrame({"depth": range(len(names)), "layer": names})


def words(ax):
    return [text.get_text() for text in ax.get_xticklabels()]


def test_layers_that_fit_are_named_in_order_of_depth(ax):
    by_depth(ax, named("fc1", "fc2", "head").iloc[::-1], tilted=False)
    assert words(ax) == ["fc1", "fc2", "head"]
    assert ax.get_xticks().tolist() == [0, 1, 2]
    assert ax.get_xlabel() == "layer"
    low, high = ax.get_xlim()
    assert low < 0
    assert high > 2


@pytest.mark.parametrize(("tilted", "label"), [(True, "layer"), (False, "depth (0: first layer)")])
def test_names_that_do_not_fit_go_upwards_or_give_way_to_depths(ax, tilted, label):
    by_depth(ax, named(*(f"encoder.block.{i}" for i in range(12))), tilted=tilted)
    assert ax.get_xlabel() == label
    assert {text.get_rotation() for text in ax.get_xticklabels()} == {90.0 if tilted else 0.0}
    assert words(ax)[0] == ("encoder.block.0" if tilted else "0")


def test_layers_that_runs_name_otherwise_are_told_by_depth(ax):
    by_depth(ax, pd.concat([named("a", "b"), named("a", "c")]), tilted=True)
    assert words(ax) == ["0", "1"]
    assert ax.get_xlabel() == "depth (0: first layer)"


def test_of_a_hundred_layers_the_first_and_the_last_are_among_those_named(ax):
    by_depth(ax, named(*map(str, range(100))), tilted=False)
    assert words(ax)[0] == "0"
    assert words(ax)[-1] == "99"
    assert len(words(ax)) < 30


@pytest.mark.parametrize(
    ("steps", "scale"),
    [([0, 1, 2, 3], "linear"), ([0, 10, 100, 1000], "symlog"), ([0, 1, 100], "linear"), ([5], "linear")],
)
def test_steps_most_of_which_come_early_are_spread_out(ax, steps, scale):
    by_step(ax, steps)
    assert ax.get_xscale() == scale
    assert ax.get_xlabel() == "step"
    assert scale == "linear" or ax.get_xticks().tolist() == steps


@pytest.mark.parametrize(
    "steps",
    [
        [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 4000, 4221],
        [0, 100, 200, 400, 422, 1000, 4221],
        [3, 4, 5, 6, 7, 8, 100],
        [0, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 20_000_000],
    ],
)
def test_numbers_of_steps_do_not_touch(steps):
    ax = Figure(figsize=(2.4, 2)).subplots()
    ax.plot(steps, steps)
    by_step(ax, steps)
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
    assert words(ax)[0] == str(steps[0])
    assert words(ax)[-1] == str(steps[-1])
    assert len(boxes) >= 3


def test_what_was_swept_stands_at_equal_distances(ax):
    by_place(ax, [0.0001, 1, 1e6, "none"])
    assert ax.get_xticks().tolist() == [0, 1, 2, 3]
    assert words(ax) == ["0.0001", "1", "1e+06", "none"]
    by_place(ax, ["adam", "stochastic"])
    assert {text.get_rotation() for text in ax.get_xticklabels()} == {90.0}


def probe(**facts):
    return next(p for p in CATALOG if all(getattr(p, name) == value for name, value in facts.items()))


def test_what_lies_between_0_and_1_has_all_of_its_range(ax):
    ax.plot([0.4, 0.5])
    values(ax, probe(name="deep.cka"))
    assert ax.get_ylim() == pytest.approx((-0.03, 1.03))


def test_a_logarithmic_axis_spans_a_decade_and_its_ticks_lie_on_it(ax):
    ax.set_yscale("log")
    ax.plot([0.4, 0.5])
    values(ax, probe(log=True))
    low, high = ax.get_ylim()
    assert high / low >= 12 * (1 - 1e-9)
    assert len(ax.get_yticks()) > 1
    assert all(low <= tick <= high for tick in ax.get_yticks())


def test_what_is_never_negative_begins_at_0(ax):
    ax.plot([4.0, 5.0])
    values(ax, probe(name="rank.numerical", log=False))
    assert ax.get_ylim()[0] == 0
