"""`attach`: probes on a network whose loop the user owns."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from deepnrc.measuring.attachment import Attachment
from deepnrc.measuring.streaming.dealing import Groups
from deepnrc.networks import AUTO, Axis, Layers, Linears, Mask, Output, Pool
from probes import Probe


def attach(
    model: nn.Module,
    layers: Layers = "weights",
    pool: Pool = "mean",
    rank: int | None = None,
    probes: Sequence[str | Probe] | str | None = None,
    repeats: str = "error",
    mask: Mask = AUTO,
    axis: Axis = None,
    linears: Linears | None = None,
    output: Output | None = None,
    top: str | Sequence[str] | None = None,
    groups: Groups = None,
    sketch: int | None = None,
) -> Attachment:
    """Attach probes to a network whose loop you own.

    >>> import torch, deepnrc
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> with deepnrc.attach(net) as probes:
    ...     for _ in range(3):
    ...         _ = net(torch.randn(16, 4))
    ...         probes.observe(torch.randn(16, 2))
    ...     report = probes.report()

    Args:
        model: any torch network.
        layers: "weights", "blocks", globs, types or a callable; see ``deepnrc.networks.choosing.layers.choose``.
        pool: "mean", "max", "positions", "tokens", "flatten", "cls", "last" or a callable; see
            ``deepnrc.networks.reading.pooling``.
        rank: signal rank k; None for the numerical rank of the targets.
        probes: names or globs from the catalog, or ``Probe`` objects of your own; None for all.
        repeats: what to do with a layer that runs more than once in a pass: "error", "first", "last" or "each".
        mask: which tokens are real: a key of the input, such as "attention_mask", which is used where a dict input has
            it (1 for real tokens, or 0 where it is added to attention scores; torch's own "src_key_padding_mask" is
            True for padding); a function from the input to (N, T), 1 for real tokens; or None.
        axis: of the features in outputs of layers where nothing tells it: a whole number, or one by glob on layers.
        linears: further types of modules that multiply by a weight: ``{MyLinear: lambda m: m.weight}``.
        output: which output predicts, by key or attribute ("logits", "policy.mean"), index, or a callable of all that
            the network returns; None for the one of the targets' shape.
        top: the layer, or the layers that read the same features, in front of the outputs; None for what the graph of
            the first batch tells.
        groups: how many groups to deal samples out to, for intervals, or a label (N,) for each sample in the order in
            which they are observed; see ``deepnrc.probe``.
        sketch: how many random directions to keep of the features of layers wider than that, in place of their
            covariance; see ``deepnrc.probe``.
    Errors: UsageError if nothing matches or an argument is not understood.
    """
    return Attachment(
        model, layers, pool, rank, probes, repeats, mask, axis, linears, output, top, None, groups, sketch
    )
