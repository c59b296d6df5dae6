"""From texts to token ids: counting words, the vocabulary, and encoded texts as arrays."""
