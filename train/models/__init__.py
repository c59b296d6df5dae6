"""The networks: their presets, their sizes, and how these are chosen."""
