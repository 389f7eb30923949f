"""Pictures of a table: heatmaps with layers down the side, curves by depth, an overview, onset, and spectra.

The canvas, ``picture`` and ``INK``, is for whoever draws something of another kind in the same style.
"""

from deepnrc.figures.canvas import INK, picture
from deepnrc.figures.curves.collapsed import onset
from deepnrc.figures.curves.held import LEVEL
from deepnrc.figures.curves.lines import lines
from deepnrc.figures.curves.overview import overview
from deepnrc.figures.heatmaps.heatmap import heatmap
from deepnrc.figures.referencelines import marks
from deepnrc.figures.scales import scale
from deepnrc.figures.spectra.byrank import noise_by_rank
from deepnrc.figures.spectra.spectrum import spectrum
from deepnrc.figures.words import label, number

__all__ = [
    "INK",
    "LEVEL",
    "heatmap",
    "label",
    "lines",
    "marks",
    "noise_by_rank",
    "number",
    "onset",
    "overview",
    "picture",
    "scale",
    "spectrum",
]
