import pytest
import torch

from experiments.soundness.constructed import closed_form, collapsed, perfect_classifier, planted


def test_there_are_forty_of_three_kinds():
    words = [drawn.words for drawn in collapsed()]
    assert len(words) == len(set(words)) == 40


@pytest.mark.parametrize("drawn", [closed_form(1, 3), closed_form(5, 6), planted(2, 4), planted(5, 8)])
def test_the_network_reaches_its_targets(drawn):
    residual = drawn.model(drawn.X).detach() - drawn.Y
    assert float(residual.square().mean()) < 1e-3 * float(drawn.Y.var(0).mean())


@pytest.mark.parametrize("K", range(2, 11))
def test_a_perfect_classifier_is_right(K):
    drawn = perfect_classifier(K)
    assert torch.equal(drawn.model(drawn.X).argmax(1), drawn.Y)
