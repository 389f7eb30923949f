"""What measures read when nothing is related."""
