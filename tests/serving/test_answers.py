"""What a service answers: texts, errors and metrics."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from edgetext import Classifier
from tests.runtime.helpers import fake_classifier_of, run
from tests.serving.service import Service

TEXTS = ["great movie", "a waste of two hours", "Un caf\u00e9 \u96fb\u5f71 \U0001f3ac", "zzz", 'caf\u00e9\u2028"x\\']
JSON, LINES = "application/json", "application/x-ndjson"


def expect(*texts: str) -> list[dict[str, Any]]:
    """Return what ``--json`` prints."""
    return [json.loads(line) for line in run("--json", "--", *texts, fake=False).stdout.splitlines()]


def test_a_text_gets_the_answer_of_the_command(service: Service) -> None:
    for text, expected in zip(TEXTS, expect(*TEXTS)):
        assert service.ask(text.encode(), "text/plain; charset=UTF-8") == (200, expected)
    assert service.ask(b"\xef\xbb\xbfgreat movie\r\n") == (200, expect("great movie")[0])
    assert service.ask(b"great\r\nmovie") == (200, {**expect("great\nmovie")[0], "text": "great\nmovie"})


def test_json_gets_the_same_answers(service: Service) -> None:
    expected = expect(*TEXTS)
    items: list[Any] = [TEXTS[0], *({"text": text} for text in TEXTS[1:])]
    assert service.ask(json.dumps(items, indent=2).encode(), JSON) == (200, expected)
    assert service.ask(json.dumps(TEXTS[0]).encode(), JSON) == (200, expected[0])
    assert service.ask(json.dumps({"text": TEXTS[2]}).encode(), JSON) == (200, expected[2])
    assert service.ask(b" [ ] ", JSON) == (200, [])
    assert service.ask(b'{"text": ""}', JSON)[0] == 200
    assert service.ask(b'"\\ud800 great"', JSON)[1]["text"] == "\ud800 great"


def test_other_fields_are_passed_through_as_they_are(service: Service) -> None:
    source = '{"id": 12345678901234567890.10, "text": "great movie", "more": {"label": 1e999} }'
    status, answer = service.ask(source.encode(), LINES)
    assert (status, answer.startswith(source[:-1].rstrip() + ', "label": ')) == (200, True)


def test_each_line_gets_a_line(service: Service) -> None:
    body = b'{"text": "great movie", "n": 1}\n\n{"text": 5}\r\nnot JSON\n"great movie"\n["x"]\n{"text": "x"} 1\n'
    status, content = service.ask(body, LINES)
    answers = [json.loads(line) for line in content.splitlines()]
    assert status == 200
    assert answers[0] == {"n": 1, **expect("great movie")[0]}
    assert answers[3] == expect("great movie")[0]
    assert [answer.get("error", "").split(":")[0] for answer in answers] == [
        *["", "line 3", "line 4"],
        *["", "line 6", "line 7"],
    ]


def test_a_long_answer_is_sent_in_pieces(service: Service) -> None:
    body = b"".join(b'{"text": "great movie", "n": %d}\n' % number for number in range(3_000))
    client = http.client.HTTPConnection("127.0.0.1", service.port)
    for version in (11, 10):
        client._http_vsn, client._http_vsn_str = version, f"HTTP/1.{version - 10}"  # type: ignore[attr-defined]
        client.request("POST", "/", body, {"Content-Type": LINES})
        answer = client.getresponse()
        assert answer.headers["Transfer-Encoding"] == ("chunked" if version == 11 else None)
        assert [json.loads(line)["n"] for line in answer.read().splitlines()] == list(range(3_000))
    client.close()


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        (b"", None, 400, "the body has no text"),
        (b" \n", "text/plain", 400, "the body has no text"),
        (b"great \xff", "text/plain", 400, "not UTF-8: byte 7 is wrong"),
        (b'{"text": "\xff"}', JSON, 400, "not UTF-8"),
        (b"great", "application/x-www-form-urlencoded", 415, "for curl add -H 'Content-Type: text/plain'"),
        (b"great", "json", 415, "not json"),
        (b"great", "text/plain; charset=iso-8859-1", 415, "must be utf-8, not iso-8859-1"),
        (b"great", JSON, 400, "not JSON"),
        (b'{"text": "great"', JSON, 400, "not JSON"),
        (b'{"text": "great"} {}', JSON, 400, "something follows the value at character 18"),
        (b'{"text": "a", "text": "b"}', JSON, 400, "a key occurs twice"),
        (b'{"text": "a", "n": NaN}', JSON, 400, "NaN is not JSON"),
        (b'{"text": 5}', JSON, 400, "no field 'text' with a text"),
        (b'{"text": "a", "score": 1}', JSON, 400, "has a field 'score' already"),
        (b"5", JSON, 400, "give a text, an object"),
        (b'["a", 5]', JSON, 400, "item 2: give a text, an object"),
        (b'["a" "b"]', JSON, 400, "expecting the end of the array at character 6"),
        (b'["a",]', JSON, 400, "item 2: not JSON"),
        (b'["a"', JSON, 400, "expecting the end of the array"),
        (b'["a"]]', JSON, 400, "expecting the end of the array"),
        (b"[" * 100_000, JSON, 400, "item 1: not JSON"),
        (b'{"a":' * 100_000, JSON, 400, "not JSON"),
        (b"[" + b'"",' * 10_000 + b'""]', JSON, 413, "more than 10,000 texts in an array"),
    ],
)
def test_a_body_that_cannot_be_read(service: Service, body: bytes, kind: str | None, status: int, words: str) -> None:
    found, answer = service.ask(body, kind)
    assert (found, list(answer)) == (status, ["error"])
    assert words in answer["error"]


def test_a_long_number_takes_no_time_and_is_kept(service: Service) -> None:
    source = b'{"text": "great", "n": ' + b"9" * 1_000_000 + b"}"
    status, answer = service.ask(source, LINES)
    assert (status, answer.startswith(source[:-1].decode())) == (200, True)


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/health", 200, None),
        ("HEAD", "/health?x=1", 200, None),
        ("HEAD", "/metrics", 200, None),
        ("GET", "/", 405, "POST"),
        ("OPTIONS", "/", 405, "POST"),
        ("BREW", "/", 405, "POST"),
        ("POST", "/health", 405, "GET, HEAD"),
        ("DELETE", "/metrics", 405, "GET, HEAD"),
        ("POST", "/../etc/passwd", 404, None),
        ("HEAD", "/favicon.ico", 404, None),
    ],
)
def test_methods_and_paths(service: Service, method: str, path: str, status: int, allow: str | None) -> None:
    client = http.client.HTTPConnection("127.0.0.1", service.port)
    for _ in range(2):  # the connection can be used again
        client.request(method, path)
        answer = client.getresponse()
        body = answer.read()
        assert (answer.status, answer.headers["Allow"], bool(body)) == (status, allow, method != "HEAD")
        assert answer.headers["Connection"] == "keep-alive"
    client.close()


def test_a_compressed_body_is_refused(service: Service) -> None:
    status, answer = service.ask(b"great", Content_Encoding="gzip")
    assert (status, answer["error"]) == (415, "a compressed body is not read: leave out Content-Encoding")


def parse_metrics(text: str) -> dict[str, float]:
    """Read Prometheus' text format: each line is a sample or a comment."""
    sample = re.compile(r'([a-z_]+(?:\{[a-z]+="(?:[^"\\\n]|\\[\\n"])*"\})?) ([0-9.e+-]+)')
    samples = {}
    for line in text.splitlines():
        if not line.startswith(("# HELP ", "# TYPE ")):
            found = sample.fullmatch(line)
            assert found, line
            samples[found[1]] = float(found[2])
    return samples


def test_metrics_count(service: Service) -> None:
    known = [service.ask(text.encode())[1]["known"] for text in ("great movie", "great zzzzq", "awful")]
    assert service.ask(b'["great", "awful"]', JSON)[0] == 200
    assert service.ask(b"")[0] == 400
    found = parse_metrics(service.ask(None, method="GET", path="/metrics")[1])
    assert found['edgetext_texts_total{label="positive"}'] + found['edgetext_texts_total{label="negative"}'] == 5
    assert found["edgetext_unknown_words_sum"] == pytest.approx(3 - sum(known)) == pytest.approx(0.5)
    assert found["edgetext_unknown_words_count"] == 5
    assert (found['edgetext_requests_total{code="200"}'], found['edgetext_requests_total{code="400"}']) == (4, 1)
    bins = [value for name, value in found.items() if name.startswith("edgetext_request_seconds_bucket")]
    assert bins == sorted(bins)
    assert bins[-1] == found["edgetext_request_seconds_count"] == 4
    assert found["edgetext_request_seconds_sum"] > 0


def test_labels_of_metrics_are_escaped(start: Callable[[Classifier], Service]) -> None:
    service = start(fake_classifier_of(['a"b', "c\\d\ne", "caf\u00e9"]))
    found = parse_metrics(service.ask(None, method="GET", path="/metrics")[1])
    names = [r'edgetext_texts_total{label="a\"b"}', r'edgetext_texts_total{label="c\\d\ne"}']
    assert [found[name] for name in names] == [0, 0]


def test_an_error_of_the_model_is_an_answer(
    start: Callable[[Classifier], Service], capsys: pytest.CaptureFixture[str]
) -> None:
    classifier = Classifier.load()

    def fail(text: str) -> Any:
        raise ZeroDivisionError("a bug")

    classifier.classify = fail  # type: ignore[method-assign]
    service = start(classifier)
    assert service.ask(b"x") == (500, {"error": "internal error: the service's log has a line"})
    assert service.ask(None, method="GET", path="/health") == (200, {"status": "ok"})
    assert capsys.readouterr().err == "error: ZeroDivisionError('a bug')\n"
