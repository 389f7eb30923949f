"""Trained last layers beside the regression model that was fitted to them, in one picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import seaborn as sns
import torch

from deepnrc.errors import UsageError
from deepnrc.figures import INK, picture
from experiments.theory import Fit


def overlay(fits: Mapping[str, Fit], path: Path) -> None:
    """Draw measured (marks) and predicted (lines) WW' and residual variances of every fit, against S_Y.

    Errors: UsageError if there is nothing to draw.
    """
    if not fits:
        raise UsageError("There is nothing to draw: give at least one fit.")
    with picture(path) as figure:
        assert figure is not None
        figure.set_size_inches(7.0, 2.9)
        grams, residuals = figure.subplots(1, 2)
        for (label, found), colour, mark in zip(
            fits.items(), sns.color_palette("colorblind", len(fits)), "osD^vP*X" * len(fits), strict=False
        ):
            variances = found.minimum.targets.values.numpy()
            look = {"linestyle": "", "marker": mark, "markersize": 4.5, "markerfacecolor": "white"}
            look |= {"markeredgecolor": colour, "markeredgewidth": 1.3}
            positive = variances > 0
            dense = np.linspace(0, 1.05 * math.sqrt(variances[0]), 200)
            shrunk = found.minimum.scale * np.clip(dense - math.sqrt(found.minimum.c), 0, None)
            grams.plot(dense, shrunk, color=colour, linewidth=1.1)
            grams.plot(np.sqrt(variances), found.gram, label=label, **look)
            span = np.geomspace(variances[positive].min() / 2, 2 * variances[0], 200)
            residuals.plot(span, found.predicted_residual(torch.from_numpy(span)), color=colour, linewidth=1.1)
            residuals.plot(variances[positive], found.residual.numpy()[positive], **look)
        grams.set(xlabel=r"$\sqrt{l_i}$ of the targets", ylabel="WW' along direction i", xlim=(0, None))
        residuals.set(
            xscale="log", yscale="log", xlabel="$l_i$ of the targets", ylabel="residual variance along direction i"
        )
        marks, names = grams.get_legend_handles_labels()
        line = figure.axes[0].plot([], [], color=INK, linewidth=1.1)
        figure.legend([*marks, *line], [*names, "predicted"], loc="outside lower center", ncols=4, frameon=False)
        for ax in (grams, residuals):
            sns.despine(ax=ax)
