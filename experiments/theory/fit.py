"""From a trained network to the theory: the effective penalties of its last layer, and what they predict.

At the regression model's minimum WW' = rho U diag(sqrt(l_i) - s)_+ U' with rho = sqrt(lambda_h/lambda_w) and
s = sqrt(lambda_h lambda_w). The diagonal of U'WW'U against sqrt(l_i) is a straight line; its slope and intercept give
both penalties, and with them the residuals and the error, which were not fitted.

Features that are themselves made by regularised layers are not free. Behind m - 1 linear layers WW' grows like
l_i^(1/m) at small penalties (``probes.ufm.linear``), which a straight line in sqrt(l_i) meets for m = 2 only: for a
larger m its intercept has the wrong sign. ``Fit.factors`` reads m off the data, and ``Fit.shrinks`` says whether the
line holds at all; ``everylayer`` has the model of m factors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from deepnrc.errors import UsageError
from experiments.data import covariance
from probes.ufm import RegressionMinimum, effective

KEPT = 1e-6  # of the largest diagonal entry of U'WW'U; a direction below it counts as left out


@dataclass(frozen=True)
class Fit:
    """The last layer of a network beside the regression model that is nearest to it.

    All vectors are (n,), along the eigenvectors of S_Y, largest eigenvalue first.

    Attributes:
        minimum: the model with the fitted penalties.
        gram: diagonal of U'WW'U, as measured.
        misaligned: share of ||WW'||_F off that diagonal; 0 if WW' and S_Y share eigenvectors, as they must.
        residual: diagonal of the residuals' covariance in the same basis, as measured.
        white: ratio of its largest to its smallest eigenvalue; 1 for white residuals.
        mse: as measured.
        decayed: lambda_w that the optimiser's weight decay stands for, or None if it was not given.
        note: what the fit could not use.
        shrinks: whether the line meets the axis at a positive root; if not, the features are not free, and s and c are
            at their lower bounds.
    """

    minimum: RegressionMinimum
    gram: Tensor
    misaligned: float
    residual: Tensor
    white: float
    mse: float
    decayed: float | None = None
    note: str = ""
    shrinks: bool = True

    @property
    def predicted_gram(self) -> Tensor:
        """rho (sqrt(l_i) - s)_+."""
        return self.minimum.weight_values**2

    def predicted_residual(self, variances: Tensor) -> Tensor:
        """min(l, c), what the model leaves unexplained along a target direction of variance l, for any shape of l."""
        return variances.clamp(max=self.minimum.c)

    @property
    def gram_error(self) -> float:
        """Relative distance ||measured - predicted|| / ||measured|| of the diagonals of WW'."""
        return float((self.gram - self.predicted_gram).norm() / self.gram.norm())

    @property
    def factors(self) -> float:
        """m of WW' ~ l_i^(1/m), by least squares in logarithms: 2 for free features and small penalties, more behind
        layers that are regularised as well, negative where directions of less variance carry more weight (they are
        the harder ones to make); NaN with fewer than two kept eigenvalues that differ."""
        kept = _kept(self.gram) & (self.minimum.targets.values > 0)
        x, y = self.minimum.targets.values[kept].log(), self.gram[kept].log()
        if x.numel() < 2 or float(x.max() - x.min()) < 1e-3:
            return math.nan
        apart = x - x.mean()
        slope = float((apart * y).sum() / (apart**2).sum())
        return 1 / slope if slope else math.inf

    def row(self) -> dict[str, float]:
        """As plain numbers, for a table."""
        row = {
            "lambda_h": self.minimum.lambda_h, "lambda_w": self.minimum.lambda_w, "c": self.minimum.c,
            "error of WW'": self.gram_error, "misaligned": self.misaligned, "m of WW' ~ l^(1/m)": self.factors,
            "MSE": self.mse, "predicted MSE": self.minimum.mse, "largest over smallest residual variance": self.white,
        }  # fmt: skip
        return row if self.decayed is None else {**row, "lambda_w of the weight decay": self.decayed}


def fit(H: Tensor, W: Tensor, b: Tensor | None, Y: Tensor, weight_decay: float | None = None) -> Fit:
    """Fit lambda_h and lambda_w to a last layer by least squares over the target directions that it keeps.

    With fewer than two kept eigenvalues that differ, slope and intercept cannot be told apart; the slope is then taken
    from the balance lambda_h ||H||^2 = N lambda_w ||W||^2 of the minimum, and the note says so.

    Args:
        H, W, b: what enters the last layer (N, d), its weight (n, d) and bias (n,) or None.
        Y: targets (N, n).
        weight_decay: of the optimiser, for nn.MSELoss.
    Errors: UsageError for shapes that do not go together, targets or features that do not vary, or a weight of 0.
    """
    N, n = Y.shape
    if H.shape != (N, W.shape[1]) or W.shape[0] != n or (b is not None and b.shape != (n,)):
        raise UsageError(
            f"The last layer's parts do not go together: H {tuple(H.shape)}, W {tuple(W.shape)}, "
            f"b {None if b is None else tuple(b.shape)} and Y {tuple(Y.shape)}; they are (N, d), (n, d), (n,), (N, n)."
        )
    H, W, Y = H.double(), W.double(), Y.double()
    S_Y = covariance(Y)
    if not min(float(S_Y.trace()), float(W.norm()), float((H - H.mean(0)).norm())) > 0:
        raise UsageError("There is nothing to fit: the targets or features do not vary, or the last weight is 0.")
    targets = RegressionMinimum(S_Y, 1.0, 1.0).targets
    rotated = targets.vectors.mT @ W @ W.mT @ targets.vectors
    rho, s, note, shrinks = _line(targets.values.sqrt(), rotated.diagonal(), H, W)
    residual = H @ W.mT + (0.0 if b is None else b.double()) - Y
    mse, variance = float(residual.square().mean()), float(S_Y.trace()) / n
    if mse > 0.99 * variance:
        note = "; ".join(filter(None, (note, "the network predicts hardly more than the mean: the fit says nothing")))
    left = covariance(residual)
    spectrum = torch.linalg.eigvalsh(left)
    off = rotated - rotated.diagonal().diag()
    return Fit(
        RegressionMinimum(S_Y, rho * s, s / rho), rotated.diagonal(), float(off.norm() / rotated.norm()),
        (targets.vectors.mT @ left @ targets.vectors).diagonal(),
        float(spectrum[-1] / spectrum[0]) if float(spectrum[0]) > 0 else math.inf, mse,
        None if weight_decay is None else effective(weight_decay, n, "weight decay"), note, shrinks,
    )  # fmt: skip


def _kept(gram: Tensor) -> Tensor:
    return gram > KEPT * gram.max()


def _line(roots: Tensor, gram: Tensor, H: Tensor, W: Tensor) -> tuple[float, float, str, bool]:
    """rho and s of gram = rho (roots - s) over the directions that are kept, a note, and whether s is above its lower
    bound, a millionth of the largest root."""
    kept = _kept(gram)
    x, y = roots[kept], gram[kept]
    apart = x - x.mean()
    note = ""
    slope = float((apart * y).sum() / (apart**2).sum()) if float(x.max()) > 1.001 * float(x.min()) else 0.0
    if slope <= 0:
        slope = math.sqrt(H.shape[0] * float(W.square().sum()) / float((H - H.mean(0)).square().sum()))
        note = "slope from the balance of W and H: the kept eigenvalues do not tell it"
    elif x.numel() == 2:
        note = "two directions determine the line exactly: only residuals and error test the theory"
    s = float(x.mean() - y.mean() / slope)
    floor = 1e-6 * float(roots.max())
    return slope, max(s, floor), note, s >= floor
