"""The network's own outputs, held against the targets batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from deepnrc.networks import fitting
from probes import Moments


@dataclass
class Performance:
    """What the outputs tell so far.

    Attributes:
        name: of the output that predicts, as the first batch told it.
        residuals: moments of the rows [f(x) - y, y], streamed like features and targets; None with ``missing`` saying
            why.
        incomparable: whether an output was seen that cannot be held against the targets; it stays so.
        hits: samples whose largest output is that of their class.
    """

    name: str | None = None
    residuals: Moments | None = None
    missing: str = "the network's output was not seen"
    incomparable: bool = False
    hits: int = 0

    @classmethod
    def joined(cls, parts: Sequence[Performance]) -> Performance:
        """What the outputs tell of the samples of all parts."""
        whole = cls(hits=sum(part.hits for part in parts))
        for part in parts:
            if part.residuals is not None:
                n, device = part.residuals.n, part.residuals.mean.device
                whole.residuals = whole.residuals or Moments(n, n, device)
                whole.residuals.merge(part.residuals)
        return whole

    def choose(self, outputs: Mapping[str, Tensor], Y: Tensor) -> None:
        """Settle, once, which output predicts: the one of the targets' shape (N, n)."""
        if outputs and self.name is None and not self.incomparable:
            found = fitting(outputs, Y.shape)
            self.name = found.name
            if found.name is None:
                self._end(found.reason)

    def prediction(self, outputs: Mapping[str, Tensor], Y: Tensor, batch: int) -> Tensor | None:
        """The output that predicts (N, n), or None, with ``missing`` saying why."""
        self.choose(outputs, Y)
        if not outputs or self.incomparable or self.name is None:
            return None
        output = outputs.get(self.name)
        column = output[:, None] if output is not None and output.ndim == 1 else output
        if column is None or column.shape != Y.shape or not column.is_floating_point():
            shape = "that predicted" if output is None else tuple(output.shape)
            self._end(f"the output {shape} does not have the targets' shape (N, {Y.shape[1]})")
        elif not bool(column.isfinite().all()):
            self._end(f"the output holds NaN or infinity in batch {batch}")
        else:
            return column
        return None

    def _end(self, reason: str) -> None:
        self.residuals, self.missing, self.incomparable = None, reason, True

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
        return float(r.gram.diagonal()[:n].sum() / r.count + (r.mean[:n] ** 2).sum()) / n
