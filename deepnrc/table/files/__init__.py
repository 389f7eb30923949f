"""Tables in files: a report's own, one that grows, csv; written whole or not at all."""
