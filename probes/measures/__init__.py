"""The measures, as pure functions of what a snapshot holds."""
