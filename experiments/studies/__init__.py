"""The studies, a file each or a family."""
