"""Blocks, the form in which programs without Python read a model: scoring with them, and writing them for firmware."""
