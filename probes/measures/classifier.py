"""The classifier measures NC1-4 at any layer (Papyan, Han & Donoho, PNAS 2020; Tirer & Bruna, ICML 2022).

Notation: mu_k (d,) the mean of class k, K the number of classes that appear, mu_G = sum mu_k / K their plain mean,
M (d, K) the class means as columns; S_W (d, d) the average over all samples of (h - mu_k)(h - mu_k)'; and
S_B = sum_k (mu_k - mu_G)(mu_k - mu_G)' / K, in which every class weighs the same, however many samples it has. Where
classes are of one size S_W + S_B is the total covariance; it stands for it here in any case. A class that does not
appear takes no part, and the note says so.
"""

from __future__ import annotations

import torch
from torch import Tensor

from probes.algebra.factored import Covariance
from probes.outcome import OK, DegenerateError, NotDefinedError, Outcome
from probes.streaming.classes import Classes
from probes.streaming.nearest import Mislabelled, Nearest
from probes.subspace import EPS, Spectrum

MANY = 4  # classes over width from which K x K costs more than a basis of the class means


def nc1(classes: Classes, within: Covariance, between: Spectrum, between_tolerance: float) -> Outcome:
    """NC1, variability within classes, Tr(S_W pinv(S_B))/K, >= 0; 0 when collapsed. pinv keeps K - 1 eigenvalues."""
    return _about(classes, nc1_unscaled(classes, within, between, between_tolerance).value / appearing(classes))


def nc1_unscaled(classes: Classes, within: Covariance, between: Spectrum, between_tolerance: float) -> Outcome:
    """NC1 without the factor 1/K, Tr(S_W pinv(S_B)), >= 0; 0 when collapsed."""
    _varies(classes)
    U, values = _directions(classes, between, between_tolerance)
    return _about(classes, float((((within @ U) * U).sum(0) / values).sum()))


def nc1_trace(classes: Classes, within: Covariance, between: Spectrum) -> Outcome:
    """NC1 by traces, Tr S_W / Tr S_B, >= 0; 0 when collapsed. It exists whatever the rank of the class means."""
    _varies(classes)
    return _about(classes, float(within.trace()) / between.total)


def nc1_total(classes: Classes, within: Covariance, between: Spectrum) -> Outcome:
    """NC1 as a share, Tr S_W / (Tr S_W + Tr S_B), in [0, 1]; 0 when collapsed."""
    _varies(classes)
    trace = float(within.trace())
    return _about(classes, trace / (trace + between.total))


def nc2(classes: Classes, between: Spectrum) -> Outcome:
    """NC2, distance of the class means from a simplex ETF, || G/||G||_F - (I - 11'/K)/sqrt(K-1) ||_F, in [0, sqrt 2];
    0 when collapsed. G (K, K) is the Gram matrix of mu_k - mu_G. ``between`` is read so that class means that
    coincide are refused. Two classes are always a simplex, and it is not defined for them."""
    M = _means(classes) - _means(classes).mean(0)
    if len(M) == 2:
        raise NotDefinedError("identically 0 for two classes")
    return _about(classes, _apart(M, M, centred=True))


def nc2_frame(classes: Classes, between: Spectrum) -> Outcome:
    """NC2, distance of the class means from an orthogonal frame, || G/||G||_F - I/sqrt(K) ||_F, in [0, sqrt 2]; 0 when
    collapsed, as without biases. G (K, K) is the Gram matrix of the uncentred mu_k."""
    M = _means(classes)
    return _about(classes, _apart(M, M, centred=False))


def nc3(classes: Classes, between: Spectrum, W: Tensor) -> Outcome:
    """NC3, distance of the weight from the class means' dual, || WM/||WM||_F - (I - 11'/K)/sqrt(K-1) ||_F, in [0, 2];
    0 when collapsed. M (d, K) holds mu_k - mu_G as columns, as nc.2 does. Only where W (K, d) has an output a class."""
    M = _means(classes) - _means(classes).mean(0)
    return _about(classes, _apart(outputs(W, classes), M, centred=True))


def nc3_frame(classes: Classes, between: Spectrum, W: Tensor) -> Outcome:
    """NC3 for an orthogonal frame, || WM/||WM||_F - I/sqrt(K) ||_F with the uncentred mu_k, in [0, 2]; 0 when
    collapsed, as without biases."""
    return _about(classes, _apart(outputs(W, classes), _means(classes), centred=False))


def nc4(classes: Classes, between: Spectrum, nearest: Nearest) -> Outcome:
    """NC4, share of the samples on which the nearest class mean and the network disagree, in [0, 1]; 0 when collapsed.

    The nearest mean is that of this layer's features by Euclidean distance; the network's class is its largest
    output. It needs the means first, and so a second pass over the data.
    """
    return _about(classes, nearest.disagreed / nearest.count)


def ncc_error(classes: Classes, between: Spectrum, mislabelled: Mislabelled) -> Outcome:
    """Nearest-class-mean error, share of the samples whose nearest class mean is not their own class's, in [0, 1]; 0
    when collapsed (Galanti et al. 2022). It needs the means first, and so a second pass over the data."""
    return _about(classes, mislabelled.wrong / mislabelled.count)


def accuracy(model_accuracy: float) -> float:
    """Share of the samples whose largest output is that of their class, in [0, 1]; of equal ones the first counts."""
    return model_accuracy


def within_floor(squares: Tensor, unit_roundoff: float) -> Tensor:
    """What rounding could leave of the diagonal of S_W (d,): u^2 E h_j^2 from storing the features with unit roundoff
    u, and what the mean's own rounding in float64 leaves."""
    return max(unit_roundoff**2, 64 * EPS**2) * squares


def nc1_floor(
    squares: Tensor, unit_roundoff: float, classes: Classes, between: Spectrum, between_tolerance: float
) -> float:
    """What rounding could leave of nc.1: ``within_floor`` in the directions of the class means."""
    return nc1_unscaled_floor(squares, unit_roundoff, classes, between, between_tolerance) / appearing(classes)


def nc1_unscaled_floor(
    squares: Tensor, unit_roundoff: float, classes: Classes, between: Spectrum, between_tolerance: float
) -> float:
    """The same without the factor 1/K."""
    U, values = _directions(classes, between, between_tolerance)
    return float(((within_floor(squares, unit_roundoff) @ U**2) / values).sum())


def nc1_trace_floor(squares: Tensor, unit_roundoff: float, between: Spectrum) -> float:
    """What rounding could leave of Tr S_W, over Tr S_B."""
    return float(within_floor(squares, unit_roundoff).sum()) / between.total


def nc1_total_floor(squares: Tensor, unit_roundoff: float, within: Covariance, between: Spectrum) -> float:
    """What rounding could leave of Tr S_W, over Tr S_W + Tr S_B."""
    return float(within_floor(squares, unit_roundoff).sum()) / (float(within.trace()) + between.total)


def means_floor(mean_square: float, unit_roundoff: float, between: Spectrum, classes: Classes) -> float:
    """What rounding could leave of nc.2 and nc.3: the means' own, u of the features or 8 eps of float64, relative to
    their spread, and K eps."""
    return max(unit_roundoff, 8 * EPS) * (mean_square / between.total) ** 0.5 + appearing(classes) * EPS


def _means(classes: Classes) -> Tensor:
    """The means (K, d) of the classes that appear, as rows."""
    return classes.means[classes.present]


def appearing(classes: Classes) -> int:
    """K, how many classes appear."""
    return int(classes.present.sum())


def _about(classes: Classes, value: float) -> Outcome:
    absent = classes.n - appearing(classes)
    return Outcome(value, OK, f"{absent} of {classes.n} classes do not appear" if absent else "")


def _varies(classes: Classes) -> None:
    if classes.count == appearing(classes):
        raise DegenerateError("no class has two samples: nothing can vary within one")


def _directions(classes: Classes, between: Spectrum, between_tolerance: float) -> tuple[Tensor, Tensor]:
    """The K - 1 directions (d, K - 1) of the centred class means and their eigenvalues of S_B."""
    K = appearing(classes)
    if classes.d < K - 1:
        raise NotDefinedError(f"{K} class means span K - 1 = {K - 1} directions, and the width is d = {classes.d}")
    rank = between.rank(between_tolerance)
    if rank < K - 1:
        raise DegenerateError(f"the {K} class means have numerical rank {rank} < K - 1 = {K - 1}")
    return between.leading(K - 1), between.values[: K - 1]


def outputs(W: Tensor, classes: Classes) -> Tensor:
    """The rows (K, d) of a weight that belong to the classes that appear."""
    if W.shape[0] != classes.n:
        raise NotDefinedError(f"the layer has {W.shape[0]} outputs, and there are {classes.n} classes")
    return W[classes.present]


def _apart(A: Tensor, M: Tensor, centred: bool) -> float:
    """|| AM'/||AM'|| - T ||_F of A and M (K, d), T the simplex where the rows of M are centred, else the frame.

    For many classes nothing of K x K is written out: T is a multiple of the identity on the rows' space, of which U
    (K, r) is a basis, and what it has outside is known.
    """
    K, d = M.shape
    if MANY * d >= K:
        product = A @ M.mT
        product /= _size(product)
        rank = K - 1 if centred else K
        if centred:
            product += 1 / K / rank**0.5
        product.diagonal().sub_(rank**-0.5)
        return float(product.norm())
    U = torch.linalg.qr(torch.cat([torch.ones(K, 1).to(M), M], 1)).Q[:, 1:] if centred else torch.linalg.qr(M).Q
    product, rank = A @ (M.mT @ U), K - 1 if centred else K
    inside = product / _size(product) - U / rank**0.5
    return float((inside.norm() ** 2 + (rank - U.shape[1]) / rank) ** 0.5)


def _size(product: Tensor) -> Tensor:
    size = product.norm()
    if not size > 0:
        raise DegenerateError("the weight is zero on the class means")
    return size
