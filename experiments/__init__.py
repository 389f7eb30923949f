"""Data and networks in, claims out: the studies of this project, run from a checkout with ``python -m experiments``."""
