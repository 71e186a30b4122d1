"""The built-in connectors: plug-ins like anybody's."""
