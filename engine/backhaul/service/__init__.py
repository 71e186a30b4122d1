"""The loops of `backhaul serve`."""
