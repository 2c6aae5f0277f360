"""Which bytes run, and that no credential is among them."""
