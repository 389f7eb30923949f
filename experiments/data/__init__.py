"""Data of the studies: readers, generators, and small real files shipped beside them."""
