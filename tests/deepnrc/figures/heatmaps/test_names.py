"""Layers, steps and measures beside the cells."""

from deepnrc import figures


def test_first_layer_is_at_the_top_and_depth_is_the_order(report, drawn):
    ax = drawn(figures.heatmap, report(steps=(0, 1)))
    names = {text.get_text(): y for y, text in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)}
    heights = [ax.transData.transform((0, names[name]))[1] for name in ("8", "9", "10")]
    assert heights == sorted(heights, reverse=True)


def test_steps_are_numbers_and_thinned(report, drawn):
    ax = drawn(figures.heatmap, report(steps=range(60)))
    shown = [int(text.get_text()) for text in ax.get_xticklabels()]
    assert shown[0] == 0
    assert shown[-1] == 59
    assert shown == sorted(shown)
    assert len(shown) < 40
