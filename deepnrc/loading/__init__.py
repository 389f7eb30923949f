"""Networks and weights, from names and from files."""

from deepnrc.loading.checkpoints import load_checkpoint, read_state_dict
from deepnrc.loading.factories import call, resolve
from deepnrc.loading.models import load_model
from deepnrc.loading.packed import check_gzip, check_zip
from deepnrc.loading.pickles import check_pickle
from deepnrc.loading.steps import checkpoint_files, steps_of

__all__ = [
    "call",
    "check_gzip",
    "check_pickle",
    "check_zip",
    "checkpoint_files",
    "load_checkpoint",
    "load_model",
    "read_state_dict",
    "resolve",
    "steps_of",
]
