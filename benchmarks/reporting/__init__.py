"""What the report on a bundle is made of; see ``benchmarks/report_card.py``."""
