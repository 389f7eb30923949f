"""The page's pictures: text stays text."""

import re

from deepnrc.page import document as html
from deepnrc.page import pictures
from deepnrc.report import Report
from deepnrc.table import join


def test_text_in_pictures_is_text(text):
    drawing = text[text.index("<svg") : text.index("</svg>")]
    assert ">layers up to the last</text>" in drawing
    assert "DejaVu" not in text


def test_spectra_of_the_last_step_are_folded_and_left_out_where_there_are_none(report, page, text):
    assert "#spectra" in {link.get("href") for link in page.all("a")}
    (folded,) = re.findall(r'<section id="spectra">.*?</section>', text, re.DOTALL)
    assert folded.index("<details>") < folded.index("<svg") < folded.index("</details>")
    assert folded.count("<svg") == 2
    assert "step 4" in folded
    bare = html.page(Report(report().table))
    assert "Spectra" not in bare
    assert 'id="spectra"' not in bare


def test_of_many_runs_some_spectra_are_drawn_from_the_first_to_the_last(report):
    many = join([report(f"r{i}", layers=("a",)) for i in range(12)])
    by_index, by_depth = pictures.spectra(many)
    assert "of 9 of the 12 runs (spectrum(run=...) draws any of them)" in by_index.caption
    shown = re.findall(r">(r\d+)</text>", by_depth.svg)
    assert (len(shown), shown[0], shown[-1]) == (pictures.PANELS, "r0", "r11")
    assert "of the 9" not in next(pictures.spectra(many.where(run=many.runs[:9]))).caption


def test_ink_follows_the_page_and_colours_stay(text):
    for drawing in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        assert "#262626" not in drawing
        assert 'style="fill: #ffffff"' not in drawing  # paper, and no open mark, whose edge is in the same style
        assert "currentColor" in drawing
    assert "#0173b2" in text  # a line's own colour
    assert "invert(" not in text  # which would make dark, what is collapsed, light
