"""What a measurement changes for its time, and puts back."""
