"""The four matrices of torch's own attention, which it uses without running modules that hold them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deepnrc.networks.weights import stored


@dataclass(frozen=True, eq=False)
class Part:
    """One matrix W (m, d) of an nn.MultiheadAttention, and which argument it reads, or ``inside``, what it reads."""

    name: str
    d: int
    m: int
    read: Callable[[], Tensor]
    argument: tuple[int, str] = (0, "query")
    inside: Callable[..., Tensor] | None = None


def parts(module: nn.MultiheadAttention) -> Iterator[Part]:
    """The projections of query, key and value, each on its own argument, and that of the heads' outputs."""
    for place, (letter, argument) in enumerate((("q", "query"), ("k", "key"), ("v", "value"))):
        read = _projection(module, place, letter)
        d = {"q": module.embed_dim, "k": module.kdim, "v": module.vdim}[letter]
        yield Part(f"{letter}_proj", d, module.embed_dim, read, (place, argument))
    yield Part(
        "out_proj",
        module.out_proj.in_features,
        module.out_proj.out_features,
        lambda: stored.held(module.out_proj),
        inside=heads,
    )


def _projection(module: nn.MultiheadAttention, place: int, letter: str) -> Callable[[], Tensor]:
    def read() -> Tensor:
        if module._qkv_same_embed_dim:
            return stored.dense(module.in_proj_weight).chunk(3)[place]
        return stored.dense(getattr(module, f"{letter}_proj_weight"))

    return read


def heads(module: nn.MultiheadAttention, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """What the output projection reads, the heads side by side: the attention run once more with 1 in its place.

    Nothing of the module is touched, and dropout draws what it will draw in the run that follows.
    """
    twin = copy.copy(module)
    one = nn.Linear(module.embed_dim, module.embed_dim, bias=False, device="meta")
    weight = module.out_proj.weight
    one.weight = nn.Parameter(torch.eye(module.embed_dim, dtype=weight.dtype, device=weight.device), False)
    twin._modules = {**module._modules, "out_proj": one}
    devices = [] if weight.device.type in ("cpu", "mps") else [weight.device.index or 0]
    kind = weight.device.type if devices else "cuda"
    with torch.random.fork_rng(devices=devices, device_type=kind), torch.no_grad():
        return twin.forward(*args, **kwargs)[0]
