"""Datatypes, shapes and arrays."""
