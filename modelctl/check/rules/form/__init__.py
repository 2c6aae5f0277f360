"""What a file is: readable in one way, of its kind, in its place."""
