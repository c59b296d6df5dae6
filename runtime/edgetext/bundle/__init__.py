"""Bundles: folders with everything needed to classify text, and single model files with the same content."""
