"""Data: batches from loaders, targets as the measures take them, and readers of files."""
