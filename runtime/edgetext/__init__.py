"""edgetext: score text with a small classifier on a device.

    from edgetext import Classifier

    classifier = Classifier.load()               # the bundle that ships with the package
    classifier.classify("great movie").label     # 'positive'

Importing this package imports the standard library only. An engine imports numpy and its interpreter when it is chosen.
"""

import sys

if sys.version_info < (3, 9):  # noqa: UP036  # this file can be parsed by any Python
    raise ImportError("edgetext needs Python 3.9 or later, and this is %d.%d" % sys.version_info[:2])  # noqa: UP031

from edgetext.bundle import Bundle
from edgetext.classifier import Classifier
from edgetext.errors import BundleError, EdgetextError, EngineError, InputError
from edgetext.prediction import UNCERTAIN, Prediction

__version__ = "0.1.0"

__all__ = [
    "UNCERTAIN",
    "Bundle",
    "BundleError",
    "Classifier",
    "EdgetextError",
    "EngineError",
    "InputError",
    "Prediction",
    "__version__",
]
