"""Measuring what `--min-accuracy` answers of a mixture of texts like the validation texts and others."""
