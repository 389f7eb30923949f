import torch

from probes import Moments
from probes.algebra.joint import Joint


def test_blocks_make_the_whole_and_move_with_the_point(layer):
    H, Y, _ = layer(N=100)
    moments = Moments(24, 4)
    moments.update(H, Y)
    joint, Z = Joint.of(moments.covariance, 24), torch.cat([H, Y], 1)
    assert torch.equal(joint.dense(), moments.covariance)
    offset = torch.arange(28).double()
    about = Z - (moments.mean - offset)
    assert torch.allclose(joint.about(offset).dense(), about.mT @ about / 100, rtol=1e-11)
