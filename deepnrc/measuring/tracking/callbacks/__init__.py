"""A tracker as a callback of trainers that own the loop, each apart because its package is optional."""
