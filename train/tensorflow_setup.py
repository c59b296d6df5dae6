"""Importing TensorFlow with this project's settings."""

from __future__ import annotations

import os

from edgetext.engines.process import muted_stderr


def import_tensorflow() -> None:
    """Import TensorFlow on the CPU, with reproducible kernels and without log output.

    Environment variables that are already set keep their values.

    Raises:
        ImportError: If TensorFlow is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    # oneDNN's kernels round differently from one processor to the next.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    with muted_stderr():
        import tensorflow  # noqa: F401
