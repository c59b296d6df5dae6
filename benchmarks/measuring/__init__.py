"""What the scripts share. Whatever latency.py imports needs the standard library and edgetext alone, Python 3.9."""
