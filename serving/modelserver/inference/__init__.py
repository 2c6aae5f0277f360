"""One request from its admission to its answer, whatever transport brought it."""
