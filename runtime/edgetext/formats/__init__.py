"""Readers of file formats, standard library only; they check every size and offset before use."""


class Damage(ValueError):
    """A file is damaged, so copying it again may help; other ValueErrors are about files that are not supported."""
