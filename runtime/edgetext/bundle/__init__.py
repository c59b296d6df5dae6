"""Bundles: folders that hold everything needed to score text, and single model files that hold the same."""
