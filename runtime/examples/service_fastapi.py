"""Answer texts over HTTP with FastAPI, for those who have a web server already: JSON as `--serve` takes and gives it.

Usage: EDGETEXT_MODEL=bundles/tickets uvicorn --app-dir runtime/examples service_fastapi:app --workers 2
"""

import json
import os
from typing import Any, Union

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from edgetext import Classifier


class Answer(JSONResponse):
    """JSON in ASCII, which can hold half of an emoji that a client truncated."""

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return json.dumps(content).encode()


classifier = Classifier.load(os.environ.get("EDGETEXT_MODEL"))
app = FastAPI(title="edgetext", default_response_class=Answer)


class Item(BaseModel):
    """An object with a text; its other fields are part of the answer."""

    model_config = ConfigDict(extra="allow")
    text: str


def answer(item: Union[str, Item]) -> dict[str, Any]:
    """Return the answer to one text."""
    given = {"text": item} if isinstance(item, str) else item.model_dump()
    return {**given, **classifier.classify(given["text"]).as_dict()}


@app.post("/")
def classify(items: Union[str, Item, list[Union[str, Item]]]) -> Union[dict[str, Any], list[dict[str, Any]]]:
    """Classify a text, an object with one, or an array of these."""
    return [answer(item) for item in items] if isinstance(items, list) else answer(items)


@app.get("/health")
def health() -> dict[str, str]:
    """Return that the model is loaded."""
    return {"status": "ok"}
