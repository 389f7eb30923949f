"""The page of a table: pictures, tables and sentences in one file, and what other pages share with it."""

from deepnrc.page.document import page, write
from deepnrc.page.pictures import inline
from deepnrc.page.rendering import render

__all__ = ["inline", "page", "render", "write"]
