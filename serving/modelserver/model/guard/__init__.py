"""Operators that some values end the process in, and what keeps those values from them."""
