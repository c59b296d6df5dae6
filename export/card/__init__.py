"""The model card of a bundle, its README.md: what the model is, how good, from which data, and how to use it."""
