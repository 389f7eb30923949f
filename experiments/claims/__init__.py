"""What is told of results: claims with their verdicts."""
