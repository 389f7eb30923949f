"""Pictures of a report: heatmaps with layers down the side, curves by depth, an overview, onset, and spectra."""

from deepnrc.figures.curves.collapsed import onset
from deepnrc.figures.curves.lines import lines
from deepnrc.figures.curves.overview import overview
from deepnrc.figures.heatmaps.heatmap import heatmap
from deepnrc.figures.spectra.spectrum import spectrum

__all__ = ["heatmap", "lines", "onset", "overview", "spectrum"]
