"""What connectors are made of, and how they are found and connected."""
