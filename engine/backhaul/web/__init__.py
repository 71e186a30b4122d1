"""The HTTP face: API, webhook receiver, health, metrics."""
