"""Tables: how the bytes of a file or pipe become records, for training, benchmarks and scoring.

``reader``      all of it in one call: ``TableReader``
``records``     what it yields: a record or a fault
``dialect``     how a table is written: format, encoding, separator, quotation marks, header
``detection``   finds out what the user did not say, with ``proposals``: how well a dialect reads the first part
``source``      decompresses, and reads the first part; ``encoding``; ``lines`` of bounded length
``delimited``   CSV and TSV; ``objects``: JSON; ``fasttext``
"""
