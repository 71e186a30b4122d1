"""The conformance suite: what every connector must do, checked against its own sandbox."""
