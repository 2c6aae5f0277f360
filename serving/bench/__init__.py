"""Measures the model server beside its peers; see `serving.bench.__main__` for how to call it."""
