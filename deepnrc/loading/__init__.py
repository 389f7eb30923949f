"""Networks and weights, from names and from files."""

from deepnrc.loading.checkpoints import load_checkpoint, read_state_dict
from deepnrc.loading.factories import call, resolve
from deepnrc.loading.models import load_model

__all__ = ["call", "load_checkpoint", "load_model", "read_state_dict", "resolve"]
