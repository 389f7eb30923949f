"""Pictures of a report: heatmaps with layers down the side, curves by depth, an overview, and collapse onset."""

from deepnrc.figures.curves import lines
from deepnrc.figures.heatmaps import heatmap
from deepnrc.figures.onsets import onset
from deepnrc.figures.overviews import overview

__all__ = ["heatmap", "lines", "onset", "overview"]
