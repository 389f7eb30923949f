"""Heatmaps with layers down the side."""
