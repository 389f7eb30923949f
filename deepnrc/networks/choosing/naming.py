"""Names of parameters, and whether entries of ``layers`` ask for them."""

from __future__ import annotations

import re
from collections.abc import Collection
from fnmatch import fnmatchcase

from torch import nn

from deepnrc.networks.choosing.blocks import block_names
from deepnrc.networks.choosing.idle import taken

SHORTCUT = {"downsample", "shortcut", "skip", "identity_conv", "conv_shortcut", "skip_connection"}


def own_name(name: str) -> str:
    """The name under which a parameter is used, of one that is stored in another form.

    >>> own_name("parametrizations.head.original0")
    'head'
    """
    return re.sub(r"parametrizations\.([^.]+)\.original\d*$", r"\1", name)


def asked_for(layers: object, name: str) -> bool:
    """Whether ``layers`` asks for the product with a bare parameter: all weights do, its name, and globs on it."""
    entries = list(layers) if isinstance(layers, list | tuple) else [layers]
    words = [entry for entry in entries if isinstance(entry, str)]
    wanted = [word for word in words if not word.startswith("!")] or (["weights"] if len(words) == len(entries) else [])
    chosen = any(word == "weights" or fnmatchcase(name, word) for word in wanted)
    return chosen and not any(taken(name, word[1:]) for word in words if word.startswith("!"))


def called_shortcuts(model: nn.Module, weights: Collection[str]) -> list[str]:
    """Weights inside of blocks whose names say that they lie on a shortcut, for where no graph tells."""
    blocks = block_names(model, weights)
    inside = [(name, block) for block in blocks for name in weights if name.startswith(f"{block}.")]
    return [name for name, block in inside if SHORTCUT & set(name[len(block) :].split("."))]
