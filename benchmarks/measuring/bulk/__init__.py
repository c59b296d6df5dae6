"""Scoring millions of texts: what ``benchmarks/scale.py`` runs and watches."""
