"""Memory and time of a training on a million rows: ``python -m tests.soaking.memory``."""
