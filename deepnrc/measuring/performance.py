"""The network's own outputs, held against the targets batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from probes import Moments


@dataclass
class Performance:
    """What the outputs tell so far.

    Attributes:
        residuals: moments of the rows [f(x) - y, y], streamed like features and targets; None with ``missing`` saying
            why.
        incomparable: whether an output was seen that cannot be held against the targets; it stays so.
        hits: samples whose largest output is that of their class.
    """

    residuals: Moments | None = None
    missing: str = "the network's output was not seen"
    incomparable: bool = False
    hits: int = 0

    def prediction(self, outputs: Sequence[Tensor], Y: Tensor, batch: int) -> Tensor | None:
        """The one output of the targets' shape (N, n), or None, with ``missing`` saying why."""
        if not outputs or self.incomparable:
            return None
        columns = [output[:, None] if output.ndim == 1 else output for output in outputs]
        fitting = [output for output in columns if output.shape == Y.shape and output.is_floating_point()]
        if not fitting:
            reason = f"the output {tuple(outputs[0].shape)} does not have the targets' shape (N, {Y.shape[1]})"
        elif len(fitting) > 1:
            reason = f"several outputs have the targets' shape (N, {Y.shape[1]}): which predicts is unknown"
        elif not bool(fitting[0].isfinite().all()):
            reason = f"the output holds NaN or infinity in batch {batch}"
        else:
            return fitting[0]
        self.residuals, self.missing, self.incomparable = None, reason, True
        return None

    def compare(self, prediction: Tensor, Y: Tensor, predicted: Tensor | None) -> None:
        """Hold the output (N, n) against targets (N, n), and predicted classes (N,), if there are any, against them."""
        n = Y.shape[1]
        if self.residuals is None:
            self.residuals = Moments(n, n, Y.device)
        self.residuals.update(prediction.to(Y) - Y, Y)
        if predicted is not None:
            self.hits += int((Y.argmax(1) == predicted.to(Y.device)).sum())

    @property
    def accuracy(self) -> float | None:
        """Share of samples whose largest output is that of their class, or None if no output could be read."""
        if self.residuals is None or self.residuals.count == 0:
            return None
        return self.hits / self.residuals.count

    @property
    def mse(self) -> float | None:
        """Mean over samples and outputs of the squared error, or None if no output could be read."""
        r = self.residuals
        if r is None or r.count == 0:
            return None
        n = r.d
        return float(r.scatter.diagonal()[:n].sum() / r.count + (r.mean[:n] ** 2).sum()) / n
