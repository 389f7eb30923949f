"""Studies on images: networks, data that is made here, and pretrained networks."""
