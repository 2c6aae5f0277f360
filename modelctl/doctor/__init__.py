"""Looks at everything that a command needs, beside the repository's own files."""
