"""Reading: hooks, and from what a layer is given to a row a sample."""
