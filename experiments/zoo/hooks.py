"""Features by plain hooks that keep whole tensors, and measures of them in a few lines of float64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "out_proj")


def kept(
    model: nn.Module, batches: Sequence[tuple[Any, Tensor]], layers: Sequence[str], blocks: bool, channels: int
) -> dict[str, Tensor]:
    """(N, d) of each layer: of weights what they were given, of blocks what they gave, the mean over all but samples
    and features, and over the tokens that are no padding.

    Args:
        layers: names of modules; "name#2" for the second use of one in a pass.
        channels: the features' axis in what a block gives.
    """
    rows: dict[str, list[Tensor]] = {layer: [] for layer in layers}
    uses: dict[str, int] = {}
    real: list[Tensor | None] = [None]
    samples = [0]

    def take(name: str, module: nn.Module, tensor: Tensor) -> None:
        uses[name] = uses.get(name, 0) + 1
        key = name if uses[name] == 1 else f"{name}#{uses[name]}"
        axis = (
            channels if blocks and tensor.ndim > 2 else 1 if "Conv" in type(module).__name__ and tensor.ndim > 2 else -1
        )
        axis = -1 if type(module).__name__ == "Conv1D" else axis
        if key in rows:
            tensor = tensor.unflatten(0, (samples[0], -1)) if len(tensor) > samples[0] else tensor  # folded windows
            rows[key].append(_mean(tensor.movedim(axis, -1), real[0]))

    handles = []
    for name in {layer.partition("#")[0] for layer in layers}:
        holder, _, last = name.rpartition(".")
        if last in PROJECTIONS and isinstance(attention := model.get_submodule(holder), nn.MultiheadAttention):
            given = lambda m, args, name=name, last=last: take(name, m, _projected(m, args, last))  # noqa: E731
            handles.append(attention.register_forward_pre_hook(given))
            continue
        module = model.get_submodule(name)
        if blocks:
            after = lambda m, given, out, name=name: take(name, m, out if isinstance(out, Tensor) else out[0])  # noqa: E731
            handles.append(module.register_forward_hook(after))
        else:
            before = lambda m, args, kwargs, name=name: take(name, m, args[0] if args else kwargs["x"])  # noqa: E731
            handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
    for x, y in batches:  # with gradients: without them nn.TransformerEncoderLayer goes round its modules
        uses.clear()
        samples[0] = len(y)
        real[0] = x.get("attention_mask") if isinstance(x, dict) else None
        model(**x) if isinstance(x, dict) else model(x)
    for handle in handles:
        handle.remove()
    return {name: torch.cat(parts) for name, parts in rows.items()}


def _projected(attention: nn.MultiheadAttention, args: Sequence[Tensor], name: str) -> Tensor:
    """What one projection of an attention is given: query, key, value, or what the heads gave, (N, T, d)."""
    if name != "out_proj":
        return args[PROJECTIONS.index(name)]
    weights, biases = attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)
    q, k, v = (
        (x @ W.T + b).unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
        for x, W, b in zip(args[:3], weights, biases, strict=True)
    )
    scores = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
    return (scores @ v).transpose(1, 2).flatten(2)


def _mean(x: Tensor, real: Tensor | None) -> Tensor:
    x = x.detach().clone().double()
    if real is not None and x.ndim == 3:
        return torch.stack([row[mask.bool()].mean(0) for row, mask in zip(x, real, strict=True)])
    return x.flatten(1, -2).mean(1) if x.ndim > 2 else x


def measured(H: Tensor, Y: Tensor) -> dict[str, float]:
    """Size and norms of mean and covariance of features (N, d), their noise fraction, stable rank and linear CKA with
    targets (N, n)."""
    mean, size = float(H.mean(0).norm()), float(H.norm(dim=1).square().mean().sqrt())
    H, Y = H - H.mean(0), Y - Y.mean(0)
    s = torch.linalg.svdvals(H) ** 2
    between = torch.linalg.matrix_norm(H.T @ Y) ** 2
    return {
        "size": size,
        "zoo.mean": mean,
        "zoo.covariance": float(torch.linalg.matrix_norm(H.T @ H / len(H))),
        "deep.noise_fraction": float(s[Y.shape[1] :].sum() / s.sum()),
        "deep.feature_stable_rank": float(s.sum() / s[0]),
        "deep.cka": float(between / torch.linalg.matrix_norm(H @ H.T) / torch.linalg.matrix_norm(Y @ Y.T)),
    }
