"""Pages and pictures of a study."""

from experiments.pages.gallery import Drawn, drawn
from experiments.pages.page import WHERE, Page, closing, leave_settings, left_settings, saved
from experiments.pages.standings import of_networks
from experiments.pages.sweeppage import verdict_text, write

__all__ = [
    "WHERE",
    "Drawn",
    "Page",
    "closing",
    "drawn",
    "leave_settings",
    "left_settings",
    "of_networks",
    "saved",
    "verdict_text",
    "write",
]
