"""The pictures of the closed forms: what was measured as marks and coloured lines, theory as black lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from experiments.pages import Drawn, drawn
from experiments.studies.ufm import class_pictures, classes, linear, linear_pictures, regression, regression_pictures


def draw_all(table: pd.DataFrame, folder: Path) -> Iterator[Drawn]:
    """Draw what the finished parts have values for."""
    parts = set(table["part"])
    if regression.NAME in parts:
        yield drawn(folder, "regression-training", TRAINING, regression_pictures.training, table)
        yield drawn(folder, "regression-rank", RANK, regression_pictures.rank, table)
    if linear.NAME in parts:
        yield drawn(folder, "linear-singular-values", SINGULAR, linear_pictures.singular_values, table)
        yield drawn(folder, "linear-thresholds", THRESHOLDS, linear_pictures.thresholds, table)
    if classes.NAME in parts:
        for K in (4, 5):
            yield drawn(folder, f"classes-{K}", TWO_LEVELS.format(K=K), class_pictures.two_levels, table, K)
        yield drawn(folder, "classes-bias", BIAS, class_pictures.bias, table)


TRAINING = (
    "Regression model: nrc.1, nrc.2 and nrc.3 over plain gradient descent for several penalties (lambda_h, lambda_w), "
    "mean over seeds; marks at the right: after L-BFGS. Below 1e-16 is rounding. Without penalties nothing collapses."
)
RANK = "Regression model: rank of W where descent ends; black: the closed form, lambda_h lambda_w = eigenvalues of S_Y"
SINGULAR = "Deep linear models: singular values of every factor, measured (marks) and predicted (black lines)"
THRESHOLDS = (
    "Deep linear models: what remains of each target direction as all penalties rise together; lowest of several "
    "starts (marks) and prediction (black lines). Two factors fade out, more of them drop at once."
)
TWO_LEVELS = (
    "Classifier with two levels, K = {K}, plain gradient descent: loss, and nc.1-3 of both levels (mean "
    "and range over seeds), without and with a ReLU between them. Linear: both levels collapse at once."
)
BIAS = "Classifier of one level: distance of the class means from an orthogonal frame as the bias is penalised"
