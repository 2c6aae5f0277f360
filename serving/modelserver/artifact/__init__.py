"""The file of a release: where it comes from, its digest, whether it is whole."""
