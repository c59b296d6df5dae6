"""The command ``edgetext``: options, input and output, and what is printed."""
