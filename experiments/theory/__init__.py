"""Trained networks beside theory."""
