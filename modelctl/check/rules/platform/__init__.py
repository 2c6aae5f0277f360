"""What a model needs of the cluster around it."""
