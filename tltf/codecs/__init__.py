"""Ways from raw texts to what an encoder takes, one file each, in the graph."""
