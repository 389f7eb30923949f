"""The network's own outputs, held against the targets batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from deepnrc.networks import fitting
from probes import Batch, Moments

MOST = 2048  # outputs up to which their covariance is kept


@dataclass
class Performance:
    """What the outputs tell so far.

    Attributes:
        name: of the output that predicts, as the first batch told it.
        residuals: moments of the rows [f(x) - y, y], streamed like features and targets; None with ``missing`` saying
            why.
        count: samples whose output was held against their targets.
        squares: sum of (f(x) - y)^2 over them and the outputs, where these are too many for ``residuals``.
        incomparable: whether an output was seen that cannot be held against the targets; it stays so.
        hits: samples whose largest output is that of their class.
    """

    name: str | None = None
    residuals: Moments | None = None
    missing: str = "the network's output was not seen"
    incomparable: bool = False
    count: int = 0
    squares: float = 0.0
    width: int = 0
    hits: int = 0

    @classmethod
    def joined(cls, parts: Sequence[Performance]) -> Performance:
        """What the outputs tell of the samples of all parts."""
        whole = cls(hits=sum(part.hits for part in parts), count=sum(part.count for part in parts))
        whole.squares, whole.width = sum(part.squares for part in parts), max(part.width for part in parts)
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
        self.residuals, self.missing, self.incomparable, self.count = None, reason, True, 0

    def compare(self, prediction: Tensor, Y: Tensor, classes: Tensor | None, predicted: Tensor | None) -> None:
        """Hold the output (N, n) against targets (N, n), and predicted classes (N,), if there are any, against them."""
        self.width, apart = Y.shape[1], prediction.to(Y) - Y
        self.count += len(Y)
        if self.width <= MOST:
            self.residuals = self.residuals or Moments(self.width, self.width, Y.device)
            self.residuals.update(Batch(apart, Y, classes))
        else:
            flat = apart.flatten()
            self.squares += float(flat @ flat)
            self.missing = f"the covariance of {self.width} outputs is not kept: it takes up to {MOST}"
        if predicted is not None and classes is not None:
            self.hits += int((classes == predicted.to(classes)).sum())

    @property
    def accuracy(self) -> float | None:
        """Share of samples whose largest output is that of their class, or None if no output could be read."""
        return self.hits / self.count if self.count else None

    @property
    def mse(self) -> float | None:
        """Mean over samples and outputs of the squared error, or None if no output could be read."""
        if not self.count:
            return None
        square = self.squares / self.count if self.residuals is None else self.residuals.mean_square
        return square / self.width
