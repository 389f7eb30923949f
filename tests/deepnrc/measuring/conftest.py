"""What several tests of measuring build on."""

import pytest


@pytest.fixture
def split():
    """Cut whole tensors into batches of a size."""
    return lambda X, Y, size: list(zip(X.split(size), Y.split(size), strict=True))


@pytest.fixture
def left_singular():
    """W (m, d) by the definition: a convolution as c_in x (c_out k k), turned."""

    def matrix(module):
        weight = module.weight.detach().double()
        return weight.transpose(0, 1).reshape(weight.shape[1], -1).T if weight.ndim > 2 else weight

    return matrix
