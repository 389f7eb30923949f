"""The page's pictures: text stays text."""

import re

from deepnrc.page import document as html
from deepnrc.report import Report


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
