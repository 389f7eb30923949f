"""Statistics that take in batches and merge."""
