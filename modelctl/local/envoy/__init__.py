"""Envoy: its configuration, its process, and what it says of itself."""
