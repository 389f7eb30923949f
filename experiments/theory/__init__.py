"""Trained networks beside the closed forms of ``probes.ufm``."""

from experiments.theory.fit import Fit, fit
from experiments.theory.trained import fits, table

__all__ = ["Fit", "fit", "fits", "table"]
