"""Reports made up for drawing, and what can be read off the drawings."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

from deepnrc.report import Report
from deepnrc.table import COLUMNS, NETWORK

MEASURES = {
    "deep.noise_fraction": (0.6, 0.3, 0.1),
    "deep.feature_stable_rank": (8.0, 4.0, 2.0),
    "deep.weight_stable_rank": (9.0, 5.0, 2.0),
    "deep.feature_weight_alignment": (0.2, 0.6, 0.9),
    "deep.cka": (0.3, 0.7, 0.95),
    "deep.linear_mse": (0.5, 0.1, 0.02),
}


def row_of(measure, value, depth, layer, *, run="net", step=0, variant="default", status="ok", floor=np.nan, note=""):
    fixed = {"kind": "Linear", "n_samples": 100, "dim": 10, "target_dim": 3, "rank": 2, "pool": "none"}
    chance = 0.37 if measure == "deep.feature_weight_alignment" else np.nan
    given = {"measure": measure, "value": value, "depth": depth, "layer": layer, "run": run, "step": step}
    return {**fixed, **given, "variant": variant, "status": status, "note": note, "chance": chance, "floor": floor}


def report_of(*, run="net", steps=(0,), layers=("8", "9", "10"), measures=MEASURES):
    rows = []
    for step in steps:
        for measure, values in measures.items():
            levels = np.interp(np.linspace(0, 1, len(layers)), np.linspace(0, 1, len(values)), values)
            rows += [
                row_of(
                    measure,
                    level / (1 + step) if measure == "deep.noise_fraction" else level,
                    i,
                    name,
                    run=run,
                    step=step,
                )
                for i, (name, level) in enumerate(zip(layers, levels, strict=True))
            ]
        rows.append(row_of("deep.target_stable_rank", 1.5, -1, NETWORK, run=run, step=step))
        rows.append(row_of("model.mse", 0.03 / (1 + step), -1, NETWORK, run=run, step=step))
    return Report.of(rows)


def changed_of(given, measure, depth, **values):
    table = given.table.copy()
    where = (table["measure"] == measure) & (table["depth"] == depth)
    for name, value in values.items():
        table.loc[where, name] = value
    return Report(table.astype(COLUMNS))


def drawn_of(function, *args, **kwargs):
    """The Axes that a function draws into a figure of its own, laid out."""
    ax = function(*args, **kwargs)
    figure = ax.get_figure()
    figure.canvas.draw()
    plt.close(figure)
    return ax


def words_of(ax):
    figure = ax.get_figure()
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def colours_of(ax):
    """Colours of the cells, (layers, columns, RGBA), of the first mesh."""
    mesh = ax.collections[0]
    mesh.update_scalarmappable()
    return mesh.get_facecolor().reshape(*mesh.get_array().shape, 4)


@pytest.fixture
def row():
    return row_of


@pytest.fixture
def report():
    return report_of


@pytest.fixture
def changed():
    return changed_of


@pytest.fixture
def drawn():
    return drawn_of


@pytest.fixture
def words():
    return words_of


@pytest.fixture
def colours():
    return colours_of
