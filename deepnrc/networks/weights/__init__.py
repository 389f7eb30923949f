"""Weights: what a module multiplies by, however it is stored, and what stands for it."""
