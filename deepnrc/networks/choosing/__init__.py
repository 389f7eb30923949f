"""Choosing: which modules are layers, by weight, block, name, type or rule."""
