"""The JSON forms of what the engine knows: the same for the command line and the HTTP API."""
