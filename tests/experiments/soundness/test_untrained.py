import pytest
import torch

from experiments.soundness.untrained import fitted_head, untrained


@pytest.mark.parametrize("draw", [untrained, fitted_head])
def test_a_seed_is_a_network_with_data_of_the_widths_it_says(draw):
    one, again, other = draw(3), draw(3), draw(4)
    assert torch.equal(one.X, again.X)
    assert torch.equal(one.Y, again.Y)
    assert one.words == again.words != other.words
    assert one.model(one.X).shape == one.Y.shape
    assert all(torch.equal(a, b) for a, b in zip(one.model.parameters(), again.model.parameters(), strict=True))


def test_a_fitted_head_leaves_a_residual_that_its_features_do_not_explain():
    drawn = fitted_head(1)
    features = drawn.model[:-1](drawn.X).double().detach()
    residual = (drawn.Y - drawn.model(drawn.X)).double().detach()
    scale = float(features.norm() * residual.norm())
    assert float((features.T @ residual).norm()) < 1e-3 * scale
    assert float(residual.square().mean() / drawn.Y.var()) < 1
