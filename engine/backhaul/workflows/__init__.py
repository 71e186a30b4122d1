"""From a file to a checked workflow."""
