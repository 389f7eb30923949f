"""Pictures of a report: heatmaps with layers down the side, curves by depth, an overview, onset, and spectra."""

from deepnrc.figures.curves import lines
from deepnrc.figures.heatmaps import heatmap
from deepnrc.figures.onsets import onset
from deepnrc.figures.overviews import overview
from deepnrc.figures.spectra import spectrum

__all__ = ["heatmap", "lines", "onset", "overview", "spectrum"]
