"""Which lines are drawn, and in which colours."""

from deepnrc import figures
from deepnrc.figures.curves.curves import log_thinned
from deepnrc.figures.words import log_ticks, number


def test_small_words():
    assert log_thinned([0, 1, 2]) == [0, 1, 2]
    assert [words for _, words in log_ticks(1e-9, 1, 4)] == ["1", "10⁻³", "10⁻⁶", "10⁻⁹"]


def test_lines_of_runs_keep_their_colour_where_a_run_lacks_the_measure(report, drawn):
    given = report(run="a", measures={"deep.cka": (0.1, 0.2)}) + report(run="b")
    both = drawn(figures.lines, given, "deep.cka").lines[1].get_color()
    alone = drawn(figures.lines, given, "deep.noise_fraction").lines[0].get_color()
    assert both == alone


def test_lines_show_first_and_last_step_and_the_network(report, drawn, words):
    steps = (0, 1, 2, 4, 8, 16, 32, 64, 100)
    ax = drawn(figures.lines, report(steps=steps), "deep.linear_mse")
    legend = [text.get_text() for text in ax.get_figure().legends[0].get_texts()]
    assert len(legend) == 6
    assert (legend[0], legend[-1]) == ("0", "100")
    assert ax.get_yscale() == "log"
    assert f"network\n{number(0.03 / 101, decimals=1)}" in words(ax)
