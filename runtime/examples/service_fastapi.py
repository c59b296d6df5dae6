"""Answer texts over HTTP with FastAPI, for those who have a web server already, as `--serve` answers them.

Usage: EDGETEXT_MODEL=bundles/tickets uvicorn --app-dir runtime/examples service_fastapi:app --workers 2
"""

import os
import sys

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from edgetext import Classifier, EdgetextError
from edgetext.serving.answers import JSON, LINES, TEXT, Answers, Refused
from edgetext.serving.reading import content_kind

try:
    answers = Answers(Classifier.load(os.environ.get("EDGETEXT_MODEL") or None))
except EdgetextError as error:
    sys.exit(f"error: {error}")
app = FastAPI(title="edgetext")
BODY = {"required": True, "content": {kind: {"schema": {}} for kind in (TEXT, JSON, LINES)}}


def answer(kind: str, body: bytes) -> str:
    """Return the whole answer to a body."""
    return "".join(answers.answer(kind, body))


@app.post("/", openapi_extra={"requestBody": BODY})
async def classify(request: Request) -> Response:
    """Classify a text, an object with one, an array of these, or one of these on each line."""
    try:
        kind = content_kind(request.headers)
        content = await run_in_threadpool(answer, kind, await request.body())
    except Refused as error:
        return JSONResponse({"error": str(error)}, error.status)
    return Response(content, media_type=LINES if kind == LINES else JSON)


@app.get("/health")
def health() -> dict[str, str]:
    """Return that the model is loaded."""
    return {"status": "ok"}
