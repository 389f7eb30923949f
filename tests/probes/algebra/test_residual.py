import torch

from probes.algebra.onehot import OneHot
from probes.algebra.residual import Residual


def test_its_trace_and_directions_are_those_of_the_whole():
    draw = torch.Generator().manual_seed(0)
    B, C, U = (torch.randn(3, 5, generator=draw).double() for _ in range(3))
    shares = torch.tensor([0.1, 0.1, 0.2, 0.25, 0.35]).double()
    for factors in (None, (B, C)):
        found = Residual(OneHot(shares), factors)
        whole = OneHot(shares).dense() - (0 if factors is None else B.mT @ C + C.mT @ B)
        assert torch.allclose(found.dense(), whole)
        assert abs(found.trace() - float(whole.trace())) < 1e-12
        assert torch.allclose(found.along(U.mT, 2), ((whole @ U.mT) * U.mT).sum(0)[:2])
