"""Data sets: shipped, generated, rendered, read from a user's files."""

from experiments.data.images.crops import enlarged, moved_faces, patches
from experiments.data.images.digits import CLASSES, Digits, digits, writing
from experiments.data.images.driving import Driving
from experiments.data.images.folders import OwnImages
from experiments.data.images.pixels import ReacherPixels
from experiments.data.images.subset import Subset
from experiments.data.kerneltimes import KernelTimes
from experiments.data.linnerud import Linnerud
from experiments.data.lowrank import LowRank
from experiments.data.policy import Policy
from experiments.data.prescribed import covariance, one_hot, spread
from experiments.data.recorded import OwnFile, Recorded
from experiments.data.shipped import load
from experiments.data.splitting import Data, Split, scaled, split

__all__ = [
    "CLASSES",
    "Data",
    "Digits",
    "Driving",
    "KernelTimes",
    "Linnerud",
    "LowRank",
    "OwnFile",
    "OwnImages",
    "Policy",
    "ReacherPixels",
    "Recorded",
    "Split",
    "Subset",
    "covariance",
    "digits",
    "enlarged",
    "load",
    "moved_faces",
    "one_hot",
    "patches",
    "scaled",
    "split",
    "spread",
    "writing",
]
