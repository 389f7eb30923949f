"""The measures by hand, an independent oracle."""
