"""Trained networks beside the closed forms of ``probes.ufm``."""

from experiments.theory.fit import Fit, fit
from experiments.theory.learnedrank import linear_rank
from experiments.theory.trained import fits, table

__all__ = ["Fit", "fit", "fits", "linear_rank", "table"]
