"""The measures by hand: an independent oracle."""

from experiments.byhand.comparison import ByHand, compared

__all__ = ["ByHand", "compared"]
