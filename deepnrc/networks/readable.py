"""Whether something is a network that can be read at all."""

from __future__ import annotations

import torch
from torch import nn

from deepnrc.errors import UsageError
from deepnrc.networks.choosing.layers import runs

OTHERS = {"keras", "tensorflow", "tf_keras", "flax", "jax"}


def check_network(model: object) -> None:
    """Refuse what is no torch network that can be called and hooked."""
    kinds = {base.__module__.partition(".")[0] for base in type(model).__mro__}
    other = sorted(kinds & OTHERS)
    if other:
        raise UsageError(
            f"The network is a {type(model).__name__} of {other[0]}, and only networks of torch can be read. Build it "
            "as a torch.nn.Module with the same weights."
        )
    if not isinstance(model, nn.Module):
        raise UsageError(f"The network must be a torch.nn.Module, not {type(model).__name__}.")
    if isinstance(model, torch.jit.ScriptModule):
        raise UsageError("A TorchScript module takes no hooks. Probe the Python module that it was made from.")
    if not runs(model):
        raise UsageError(
            f"The network, a {type(model).__name__}, has no forward, so it cannot be called. Give it one, or probe the "
            "part that is called."
        )
