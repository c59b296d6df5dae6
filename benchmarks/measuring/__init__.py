"""What the benchmark scripts share.

On a device there are only this folder and runtime/: whatever latency.py imports needs the standard library and edgetext
alone, Python 3.9 included.
"""
