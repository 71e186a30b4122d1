"""Reconciling: making one system's records what another system's are."""
