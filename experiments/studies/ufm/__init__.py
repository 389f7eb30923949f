"""Unconstrained-feature models descended to their minima, beside what ``probes.ufm`` says of them."""
