"""What a release is, and whether it can be served."""
