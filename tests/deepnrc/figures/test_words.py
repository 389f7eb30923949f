"""Names and numbers as figures print them."""

import pytest

from deepnrc import figures
from deepnrc.figures.words import label, labels, thinned


def test_long_names_are_shortened_but_stay_apart():
    names = [f"module.backbone.stages.{i}.blocks.attention.weight" for i in range(30)]
    assert len(set(labels(names))) == 30
    assert len(labels(["x" * 300])[0]) < 40


@pytest.mark.parametrize("count", [1, 2, 3, 7, 19, 40, 1000])
def test_thinned_labels_keep_both_ends(count):
    kept = thinned(count, 8)
    assert (kept[0], kept[-1]) == (0, count - 1)
    assert kept == sorted(set(kept))
    assert len(kept) <= 9


def test_names_are_printed_as_they_are(report, drawn, tmp_path):
    odd = report(layers=("$x$", "<b>", "_y")).renamed("_a$b$") + report().renamed("other")
    ax = drawn(figures.lines, odd, "deep.cka")
    legend = ax.get_figure().legends[0].get_texts()
    assert [(text.get_text(), text.get_parse_math()) for text in legend] == [("_a$b$", False), ("other", False)]
    figures.heatmap(odd.at(run="_a$b$"), path=tmp_path / "odd.svg")
    assert ">$x$<" in (tmp_path / "odd.svg").read_text()
    assert "&lt;b&gt;" in (tmp_path / "odd.svg").read_text()
    assert label("a\x07b") == r"a\x07b"
    assert label("a\N{WORD JOINER}b") == "a\N{REPLACEMENT CHARACTER}b"
