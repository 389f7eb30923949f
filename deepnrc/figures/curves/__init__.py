"""Curves by depth and over training."""
