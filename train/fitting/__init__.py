"""Fitting the networks, calibrating them, and measuring them."""
