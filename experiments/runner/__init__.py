"""What is run: studies as sweeps of cells, training, results."""
