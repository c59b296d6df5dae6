"""Your own labelled text in a table (CSV, TSV, JSON, fastText's lines, Parquet): read once, checked and divided.

``options``     the options of the command line; ``plan``: which files and columns are read, from the headers alone
``table``       a table row by row; by format: ``text_file``, which ``edgetext.tables`` reads, and ``parquet``
``columns``     which columns hold text and label, and what values are valid
``index``       what is kept of each usable row: a few numbers, and its text in a temporary file; ``reading`` makes it
``probabilities``  those of another model in place of labels
``division``    labels, repeated rows, leaks between files, and drawing the splits; ``splits``: the same on arrays
``report``      the problems that were found; ``faults``: those found while a table is read
``dataset``     all of it in one call: ``read_table``
``recorded``    the same for texts that an earlier run held out
"""
