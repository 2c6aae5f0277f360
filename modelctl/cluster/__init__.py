"""Reads an environment that Argo CD serves: what git wants of it beside what its cluster has."""
