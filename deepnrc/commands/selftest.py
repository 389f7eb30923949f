"""Known answers: planted collapse and closed forms, computed through the whole instrument, for `deepnrc selftest`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deepnrc.measuring import probe
from deepnrc.report import Report
from probes.ufm import LinearMinimum, RegressionMinimum, predicted

F64 = torch.float64


@dataclass(frozen=True)
class Answer:
    """One known answer: what was read, what it must be, and how far off it may be (relative, or absolute near 0)."""

    name: str
    got: float
    expected: float
    tolerance: float

    @property
    def error(self) -> float:
        """Relative error; absolute where the expected value is 0."""
        difference = abs(self.got - self.expected)
        return difference / abs(self.expected) if self.expected else difference

    @property
    def holds(self) -> bool:
        """Whether the error is within the tolerance; NaN is not."""
        return self.error <= self.tolerance


def answers() -> Iterator[Answer]:
    """All known answers, in a few seconds on one core."""
    yield from _planted(F64, 1e-12, 0.05)
    yield from _planted(torch.float32, 1e-10, 0.05)
    yield from _unconstrained()
    yield from _deep_linear()
    yield from _gaussian()
    yield from _offset()


def _orthonormal(rows: int, columns: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(rows, columns, dtype=F64, generator=generator)).Q


def _balanced(N: int, d: int, seed: int) -> Tensor:
    """Centred rows (N, d) whose covariance is exactly the identity."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(N, d, dtype=F64, generator=generator)
    return torch.linalg.qr(rows - rows.mean(0)).Q * math.sqrt(N)


def _spread(eigenvalues: tuple[float, ...], N: int) -> tuple[Tensor, Tensor]:
    """Centred targets (N, n) and their covariance (n, n), of these eigenvalues along random directions."""
    n, values = len(eigenvalues), torch.tensor(eigenvalues, dtype=F64)
    U = _orthonormal(n, n, 2)
    return (_balanced(N, n, 3) * values.sqrt()) @ U.T, (U * values) @ U.T


def _one_layer(H: Tensor, Y: Tensor, W: Tensor | None = None) -> Report:
    layer = nn.Linear(H.shape[1], Y.shape[1], bias=False, dtype=H.dtype)
    if W is not None:
        layer.weight.data = W.to(H.dtype)
    batches = list(zip(H.split(256), Y.split(256), strict=True))
    return probe(nn.Sequential(layer), batches, probes=["deep.*", "nrc.*", "model.*"], progress=False)


def _value(report: Report, measure: str, variant: str = "default") -> float:
    return float(report.values(measure, variant)["value"].iloc[0])


def _planted(dtype: torch.dtype, level: float, tolerance: float) -> Iterator[Answer]:
    """Two signal directions, and noise of a known size in all others."""
    d, k, N = 256, 2, 2048
    basis, rows = _orthonormal(d, d, 0), _balanced(N, d, 1)
    scales = torch.full((d,), math.sqrt(k * level / (1 - level) / (d - k)), dtype=F64)
    scales[:k] = 1.0
    H = ((rows * scales) @ basis.T).to(dtype)
    report = _one_layer(H, rows[:, :k].to(dtype), basis[:, :k].T)
    name = str(dtype).removeprefix("torch.")
    yield Answer(f"noise fraction {level:g} planted in {name}", _value(report, "deep.noise_fraction"), level, tolerance)
    yield Answer(f"alignment of the planted weight, {name}", _value(report, "deep.feature_weight_alignment"), 1.0, 1e-9)
    yield Answer(f"linear R2 of the planted signal, {name}", _value(report, "deep.linear_r2"), 1.0, 1e-9)


def _unconstrained() -> Iterator[Answer]:
    """The minimiser of the regression unconstrained-feature model, lambda_h lambda_w below every eigenvalue of S_Y."""
    N, n, d, lambda_h, lambda_w = 512, 3, 24, 0.25, 0.2
    Y, S_Y = _spread((1.0, 0.5, 0.2), N)
    minimum = RegressionMinimum(S_Y, lambda_h, lambda_w)
    at = minimum.at(Y, d, _orthonormal(d, n, 4).T)
    report = _one_layer(at.H, Y, at.W)
    yield Answer("nrc.1 of the unconstrained-feature minimiser", _value(report, "nrc.1"), 0.0, 1e-12)
    yield Answer("nrc.2 of the same", _value(report, "nrc.2"), 0.0, 1e-12)
    yield Answer("nrc.3 of the same", _value(report, "nrc.3"), 0.0, 1e-12)
    ratio = lambda_h * lambda_w / 0.2
    yield Answer("gamma / l_min of the same", _value(report, "nrc.3_gamma_ratio"), ratio, 1e-9)
    cka = predicted(minimum, d, N)["deep.cka", "default"].value
    yield Answer("CKA of the same", _value(report, "deep.cka"), cka, 1e-9)
    yield Answer("network MSE of the same", _value(report, "model.mse"), minimum.mse, 1e-9)


def _deep_linear() -> Iterator[Answer]:
    """The minimiser of a chain of three linear layers: every layer is collapsed, and its ranks are known."""
    Y, S_Y = _spread((1.0, 0.6, 0.3), 512)
    minimum, widths = LinearMinimum(S_Y, 0.02, (0.005, 0.01, 0.02)), (16, 20, 12)
    H, weights = minimum.at(Y, widths, seed=8)
    layers = [nn.Linear(W.shape[1], W.shape[0], bias=False, dtype=F64) for W in weights]
    for layer, W in zip(layers, weights, strict=True):
        layer.weight.data = W
    table = probe(nn.Sequential(*layers), (H, Y), probes=["deep.*"], progress=False)
    for depth, d in enumerate(widths):
        expected = predicted(minimum, d, 512, layer=depth + 1)
        for measure in ("deep.feature_stable_rank", "deep.weight_stable_rank", "deep.noise_fraction"):
            value = float(table.values(measure)["value"].iloc[depth])
            what = measure.removeprefix("deep.").replace("_", " ")
            known = expected[measure, "default"].value
            yield Answer(f"{what} of linear layer {depth + 1} of 3", value, known, 1e-9 if known else 1e-12)


def _gaussian() -> Iterator[Answer]:
    """Isotropic features: nothing is collapsed, and every count is the width."""
    N, d, n = 2000, 20, 4
    H = _balanced(N, d, 5)
    report = _one_layer(H, _balanced(N, n, 6))
    yield Answer(
        "noise fraction of isotropic features, k = 4, d = 20", _value(report, "deep.noise_fraction"), 0.8, 1e-9
    )
    yield Answer("stable rank of isotropic features", _value(report, "deep.feature_stable_rank"), d, 1e-9)
    yield Answer("the same, covariance form", _value(report, "deep.feature_stable_rank", "covariance"), d, 1e-9)


def _offset() -> Iterator[Answer]:
    """A mean of 1e4 beside a spread of 1 costs no digits, and an affine map is found whatever its mean."""
    H = _balanced(1000, 16, 7) * torch.linspace(1, 4, 16, dtype=F64)
    plain = _one_layer(H, H[:, :2])
    moved = _one_layer(H + 1e4, H[:, :2] + 3)
    expected = _value(plain, "deep.noise_fraction")
    yield Answer("noise fraction behind an offset of 1e4", _value(moved, "deep.noise_fraction"), expected, 1e-9)
    yield Answer("linear MSE of an affine target", _value(moved, "deep.linear_mse"), 0.0, 1e-12)
