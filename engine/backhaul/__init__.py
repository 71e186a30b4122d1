"""Backhaul: the automation engine for internet service providers and telephone operators."""
