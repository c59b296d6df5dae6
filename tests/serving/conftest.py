from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from edgetext import Classifier
from tests.serving.service import Service


@pytest.fixture
def start() -> Iterator[Callable[[Classifier], Service]]:
    """Start services, which are stopped after the test."""
    services: list[Service] = []

    def make(classifier: Classifier) -> Service:
        services.append(Service(classifier))
        return services[-1]

    yield make
    for service in services:
        service.stop()


@pytest.fixture
def service(start: Callable[[Classifier], Service]) -> Service:
    return start(Classifier.load())
