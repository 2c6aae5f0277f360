"""Edits of typed files: what an operation changes, as text, in one transaction with git."""
