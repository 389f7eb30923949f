"""Whether verdicts and intervals can be trusted: networks of known standing, and draws of known truth."""

from experiments.soundness.coverage import Coverage
from experiments.soundness.standing import Standing

__all__ = ["Coverage", "Standing"]
