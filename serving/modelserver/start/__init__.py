"""From settings to a release that may serve."""
