"""Readers of file formats, standard library only: each checks every size and offset before it uses it."""
