"""Files are what their endings say, and no figure or setting is left behind."""

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from deepnrc import UsageError, figures


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")])
def test_a_file_is_what_its_ending_says(report, tmp_path, suffix, magic):
    path = tmp_path / "new" / f"figure{suffix}"
    figures.heatmap(report(), path=path)
    assert path.read_bytes().startswith(magic)


def test_the_same_report_makes_the_same_file(report, tmp_path):
    for name in ("a.svg", "b.svg"):
        figures.lines(report(), "deep.cka", path=tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_no_figure_stays_open_and_no_setting_changes(report, tmp_path):
    before, settings = plt.get_fignums(), dict(mpl.rcParams)
    given = report(steps=(0, 1))
    figures.heatmap(given, path=tmp_path / "a.png")
    figures.lines(given, "deep.cka", path=tmp_path / "b.png")
    figures.overview(given, path=tmp_path / "c.png")
    figures.heatmap(given, ax=Figure().subplots())
    with pytest.raises(UsageError):
        figures.heatmap(given + report(run="b", steps=(0, 1)), "deep.cka", ax=Figure().subplots())
    assert plt.get_fignums() == before
    assert dict(mpl.rcParams) == settings


def test_what_a_notebook_turns_on_with_the_first_figure_stays_on():
    before = mpl.is_interactive()
    try:
        mpl.interactive(False)
        with figures.canvas.style():
            mpl.interactive(True)  # as a notebook's backend does when the first figure is made
        assert mpl.is_interactive()
        with pytest.raises(KeyError), figures.canvas.style():
            raise KeyError
        assert mpl.is_interactive()
    finally:
        mpl.interactive(before)


def test_settings_of_ones_own_stay(report, drawn):
    with mpl.rc_context({"font.size": 17, "svg.hashsalt": "mine"}):
        drawn(figures.heatmap, report())
        assert (mpl.rcParams["font.size"], mpl.rcParams["svg.hashsalt"]) == (17, "mine")


def test_a_failure_leaves_no_figure_open(report, monkeypatch):
    monkeypatch.setattr(figures.heatmaps.bars, "bar", lambda *_: 1 / 0)
    before = plt.get_fignums()
    with pytest.raises(ZeroDivisionError):
        figures.heatmap(report(), "deep.cka")
    assert plt.get_fignums() == before


def test_a_star_saves_every_kind_and_draws_once(report, tmp_path):
    figures.heatmap(report(), path=tmp_path / "noise.v2.*")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["noise.v2.pdf", "noise.v2.png", "noise.v2.svg"]
    starts = {path.suffix: path.read_bytes()[:5] for path in tmp_path.iterdir()}
    assert starts == {".pdf": b"%PDF-", ".png": b"\x89PNG\r", ".svg": b"<?xml"}


@pytest.mark.parametrize("name", ["one.png", "all.*"])
@pytest.mark.parametrize("draw", [figures.lines, figures.heatmap])
def test_a_figure_is_still_laid_out_after_saving(report, tmp_path, draw, name):
    figure = Figure(layout="constrained")
    for axes in (
        draw(report(), "deep.cka", ax=figure.subplots(), path=tmp_path / name),
        draw(report(), "deep.cka", path=tmp_path / name),
    ):
        engine = axes.get_figure(root=True).get_layout_engine()
        assert isinstance(engine, ConstrainedLayoutEngine)


def test_files_that_cannot_be_written(report, tmp_path):
    with pytest.raises(UsageError, match=r"cannot be saved as 'x.gif': its ending must be .png, .pdf or .svg"):
        figures.heatmap(report(), path=tmp_path / "x.gif")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot be written to .*Name a file that you may write to"):
        figures.heatmap(report(), path=tmp_path / "file" / "x.png")


@pytest.mark.parametrize("function", [figures.heatmap, figures.lines])
def test_ax_is_drawn_in(report, function):
    figure = Figure()
    ax = figure.subplots()
    assert function(report(steps=(0, 1)), "deep.cka", ax=ax) is ax
    assert ax.get_title()


@pytest.mark.parametrize("name", ["a.png", "a.*"])
def test_a_picture_that_cannot_be_drawn_leaves_the_old_one(report, tmp_path, monkeypatch, name):
    figures.heatmap(report(), path=tmp_path / name)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    save, calls = Figure.savefig, []

    def cut(self, file, **options):
        calls.append(options["format"])
        if len(calls) == len(before):
            file.write(b"half")
            raise KeyboardInterrupt
        save(self, file, **options)

    monkeypatch.setattr(Figure, "savefig", cut)
    with pytest.raises(KeyboardInterrupt):
        figures.heatmap(report(run="another"), path=tmp_path / name)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_a_title_holds_is_shown(tmp_path):
    for path in (tmp_path / "a.svg", None):
        with figures.picture(path) as figure:
            figure.subplots().set_title("a\x1b]0;b\nc")
        assert figure.axes[0].get_title() == "a\\x1b]0;b\nc"
    text = (tmp_path / "a.svg").read_text()
    assert "a\\x1b]0;b" in text
    assert "\x1b" not in text
