"""Readers of file formats, standard library only; they check every size and offset before use."""
