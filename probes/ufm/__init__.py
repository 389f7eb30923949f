"""Unconstrained-feature models, in closed form: what regularised networks whose features are free parameters must do.

Formulas only: ``RegressionMinimum`` (one linear layer on free features), ``LinearMinimum`` (any number of linear
layers), ``ClassMinimum`` (the same for balanced classes, with and without a bias), and what each predicts for the
measures of ``probes``.
"""

from .classes import ClassMinimum
from .linear import LinearMinimum
from .measures import predicted
from .regression import Factors, RegressionMinimum, interpolating
from .scales import FORMS, effective
from .shrinkage import shrinkage, threshold

__all__ = [
    "FORMS",
    "ClassMinimum",
    "Factors",
    "LinearMinimum",
    "RegressionMinimum",
    "effective",
    "interpolating",
    "predicted",
    "shrinkage",
    "threshold",
]
