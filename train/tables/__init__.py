"""Your own labelled text in a table (CSV, TSV, JSON lines or Parquet): read, checked and divided into splits.

Reading     ``table``; by format ``lines`` (decoding, CSV and TSV) and ``parquet``; ``columns`` picks text and label
Dividing    ``index`` (what is kept of each row), ``splits`` (duplicates and random draws), ``division`` (across files)
Describing  ``source`` (the options), ``recorded`` (the options of an earlier run), ``report`` (what was found)

``dataset.scan`` does all of it; ``python -m train.texts`` writes the texts of a split.
"""
