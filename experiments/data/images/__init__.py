"""Images: made, rendered or shipped."""
