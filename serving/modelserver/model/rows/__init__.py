"""Whether the rows of a batch are independent of each other, proven from the graph."""
