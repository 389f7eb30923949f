"""Pages and pictures of a study."""
