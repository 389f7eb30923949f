"""What is run: studies as sweeps of cells, training, results."""

from experiments.runner.cells import plan
from experiments.runner.ending import ended_in_order
from experiments.runner.rereading import reread, stored
from experiments.runner.results import Group, Results
from experiments.runner.study import DECAY, Beside, Fact, Network, Setting, Study, heading, in_words
from experiments.runner.sweep import Workers, sweep
from experiments.runner.training import Recipe, outputs, train

__all__ = [
    "DECAY",
    "Beside",
    "Fact",
    "Group",
    "Network",
    "Recipe",
    "Results",
    "Setting",
    "Study",
    "Workers",
    "ended_in_order",
    "heading",
    "in_words",
    "outputs",
    "plan",
    "reread",
    "stored",
    "sweep",
    "train",
]
