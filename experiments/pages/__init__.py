"""Pages and pictures of a study."""

from experiments.pages.gallery import Drawn, drawn
from experiments.pages.heldoutfigure import draw_held_out
from experiments.pages.page import WHERE, Page, closing, leave_settings, left_settings, saved
from experiments.pages.standings import of_networks, standing
from experiments.pages.sweeppage import verdict_text, write

__all__ = [
    "WHERE",
    "Drawn",
    "Page",
    "closing",
    "draw_held_out",
    "drawn",
    "leave_settings",
    "left_settings",
    "of_networks",
    "saved",
    "standing",
    "verdict_text",
    "write",
]
