"""The page of a table: pictures, tables and sentences in one file, and what other pages share with it."""

from deepnrc.page.document import page, write
from deepnrc.page.explorer import explorer
from deepnrc.page.notebook import fragment
from deepnrc.page.pictures import inline
from deepnrc.page.rendering import render, scripted

__all__ = ["explorer", "fragment", "inline", "page", "render", "scripted", "write"]
