"""The command ``edgetext``: options, input and output."""
