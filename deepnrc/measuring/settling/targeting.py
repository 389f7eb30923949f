"""The targets of a batch, once it is known which output predicts them, and the layer in front of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from deepnrc.data import Targets, as_targets, as_tensor, is_classes
from deepnrc.errors import UsageError
from deepnrc.measuring.settling.agreement import agreed
from deepnrc.measuring.settling.top import Top, chosen_top, top_layer
from deepnrc.measuring.streaming.performance import Performance
from deepnrc.networks import Dataflow, Forward, Pool, Survey, logits
from deepnrc.wording import Remedy


def read_targets(
    given: object,
    forward: Forward,
    network: Performance,
    survey: Survey | None,
    batch: int,
    resolution: Sequence[float] | Tensor | None,
    outputs: Callable[[], int] | None = None,
) -> Targets:
    """Targets (N, n), (N,) or integer classes (N,), of which the output that holds the logits says how many there are;
    ``network`` is told which one that is.

    Args:
        outputs: how many outputs the layers have that the user named as the top; None where none were named.
    Errors: UsageError for classes where no output tells.
    """
    y = as_tensor(given, f"The target of batch {batch}")
    if is_classes(y) and network.name is None and outputs is not None:
        return as_targets(y, y.new_empty(len(y), outputs()), batch, resolution)
    if is_classes(y) and network.name is None:
        flow = Dataflow() if survey is None else survey.dataflow
        behind = {name: giving.behind for name, giving in flow.outputs.items()}
        found = logits(forward.outputs, len(y), behind)
        if found.name is None:
            raise UsageError(
                f"Integer targets are classes, and {found.reason}. Name the output that says how many with ",
                Remedy("output"),
                ", by key, attribute or index, or the layer whose outputs are the logits with ",
                Remedy("top"),
                "; values to predict go as floats.",
            )
        network.name = found.name
    return as_targets(y, forward.outputs.get(network.name or ""), batch, resolution)


def settled_top(
    names: Sequence[str] | None, forward: Forward, y: Targets, network: Performance, survey: Survey | None, pool: Pool
) -> Top:
    """The top layer: the one that was named, or that of the output that predicts the targets, if its features are
    pooled as the network pools."""
    if names is not None:
        return agreed(chosen_top(forward, names), forward, survey, None, pool, named=True)
    network.choose(forward.outputs, y.Y)
    flow = Dataflow() if survey is None else survey.dataflow
    top = top_layer(forward, flow, network.name, network.missing, y.one_hot)
    return agreed(top, forward, survey, network.name, pool, named=False)
