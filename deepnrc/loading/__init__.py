"""Networks and weights from names and files."""
