"""What a notebook shows of reports, tables and pictures."""

import base64
import pickle

import matplotlib.pyplot as plt

from deepnrc import Table
from deepnrc.page import fragment
from deepnrc.report import Report
from deepnrc.table import NETWORK

EVIL = "<script>alert(1)</script>"


def test_a_report_is_its_sentence_a_heatmap_and_a_row_a_layer(report, parsed):
    given = report("mine", steps=(0, 3))
    page = parsed(text := given._repr_html_())
    said = "".join(page.words)
    assert said.index("collapse cannot be told") < said.index("mine, step 3")
    (image,) = page.all("img")
    assert base64.b64decode(image["src"].partition(",")[2]).startswith(b"\x89PNG")
    assert [word for word in page.words if word in ("a", "b", "c")] == ["a", "b", "c"]
    assert "4.17e-02" in said
    assert "nan" not in said.lower()
    assert not page.all("script")
    assert len(text) < 300_000


def test_names_are_not_trusted_and_odd_reports_have_one(report, row, parsed):
    assert "<script>" not in fragment(report(EVIL, steps=(0,), layers=(EVIL, "b")))
    own = parsed(fragment(Report.of([row("mine.own", 1.0, 0, "a", "net", 0)])))
    assert "mine.own" in "".join(own.words)
    assert not parsed(fragment(Report.of([row("model.mse", 1.0, -1, NETWORK, "net", 0)]))).all("img")
    assert fragment(Report.of([])) == ""


def test_a_table_is_shown_as_pandas_shows_it(report):
    given = report()
    assert "dataframe" in Table(given.table)._repr_html_()
    assert Table(given.table)._repr_html_().count("<tr") < 30


def test_axes_say_nothing_beside_the_figure_that_a_notebook_shows(report):
    ax = report().heatmap("deep.cka")
    assert ax._ipython_display_() is None
    assert isinstance(pickle.loads(pickle.dumps(ax)), type(ax))
    plt.close(ax.figure)
