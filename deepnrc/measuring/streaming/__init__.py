"""What is fed batch by batch: every layer's statistics, and the network's own outputs."""
