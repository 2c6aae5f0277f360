"""Whether what serves has enough to serve with."""
