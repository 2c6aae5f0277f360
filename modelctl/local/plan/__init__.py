"""What one model should run, as a few values made from its rendered objects."""
