import jinja2
import pytest

from deepnrc.page import render


@pytest.fixture
def templates(tmp_path):
    """A template that includes another, with a loop and a name in it."""
    (tmp_path / "page.html").write_text(
        "<p>{{ name }}</p>\n  {% for x in many %}\n{{ x }}\n  {% endfor %}\n{% include 'end' %}"
    )
    (tmp_path / "end").write_text("end")
    return tmp_path


def test_values_are_escaped_and_loops_leave_no_lines(templates):
    assert render(templates, "page.html", {"name": "<b>&", "many": [1, 2]}) == "<p>&lt;b&gt;&amp;</p>\n1\n2\nend"


def test_what_is_missing_is_refused(templates):
    with pytest.raises(jinja2.UndefinedError, match="'name' is undefined"):
        render(templates, "page.html", {"many": []})
    with pytest.raises(jinja2.TemplateNotFound, match=r"other\.html"):
        render(templates, "other.html", {})
