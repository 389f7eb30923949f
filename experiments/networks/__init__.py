"""Networks that the studies train, and pretrained ones."""
