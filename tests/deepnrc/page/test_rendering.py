from html.parser import HTMLParser

import jinja2
import pytest
from markupsafe import Markup

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


def test_what_a_browser_would_obey_is_shown_and_pictures_are_as_they_are(templates):
    drawing = Markup("<svg>\\n</svg>")
    values = {"name": "a\x1b[2J\u202eb\n", "many": [drawing, "\x9b"]}
    assert render(templates, "page.html", values) == f"<p>a\\x1b[2J\\u202eb\n</p>\n{drawing}\n\\x9b\nend"


def test_what_is_missing_is_refused(templates):
    with pytest.raises(jinja2.UndefinedError, match="'name' is undefined"):
        render(templates, "page.html", {"many": []})
    with pytest.raises(jinja2.TemplateNotFound, match=r"other\.html"):
        render(templates, "other.html", {})


def test_a_page_of_another_kind_extends_ours_and_draws_with_our_parts(tmp_path):
    (tmp_path / "study.html").write_text(
        '{% extends "page.html" %}{% from "parts.html" import drawing, table %}'
        "{% block title %}A study{% endblock %}{% block style %}.mine { color: red; }{% endblock %}"
        "{% block body %}{{ table('Numbers', ['a'], [['<b>'], ['w' * 31]]) }}"
        "{% call drawing(picture) %}(<a href='x'>png</a>){% endcall %}{{ drawing(picture) }}{% endblock %}"
    )
    text = render(tmp_path, "study.html", {"picture": {"caption": "A & B", "svg": Markup("<svg></svg>")}})
    assert text.startswith("<!doctype html>")
    assert "<title>A study</title>" in text
    assert text.index(".scroll {") < text.index(".mine { color: red; }") < text.index("</style>")
    assert '<td class="short">&lt;b&gt;</td>' in text
    assert f'<td class="words">{"w" * 31}</td>' in text
    assert "<figcaption>A &amp; B (<a href='x'>png</a>)</figcaption>" in text
    assert text.count("<svg></svg></div>\n<figcaption>A &amp; B") == 2


def test_json_in_an_attribute_stays_what_it_was(tmp_path):
    (tmp_path / "one.html").write_text("<p data-it='{{ it | quoted }}'></p>")
    it = """{"a": "&quot; ' > < &amp; \\u202e"}"""
    text = render(tmp_path, "one.html", {"it": it})
    assert text.count("'") == 2
    assert "&#34;" not in text
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda _, attributes: found.append(dict(attributes)["data-it"])
    parser.feed(text)
    assert found == [it]
