"""What probing costs."""
