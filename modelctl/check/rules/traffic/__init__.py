"""Where requests go: weights, shadow and routes."""
