"""Whether what is applied is what was typed."""
