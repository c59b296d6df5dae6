"""Clients that are slow, broken, greedy or gone."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Callable

import pytest

from edgetext import Classifier
from edgetext.serving import connections, requests, server
from edgetext.serving.address import listen
from edgetext.serving.answers import Answers
from tests.serving.service import PATIENCE, Service, read_answer, request

MIB = 2**20


def is_well(service: Service) -> bool:
    return service.ask(b"great movie")[1]["label"] == "positive"


def send_slowly(client: socket.socket, content: bytes) -> None:
    """Send a byte at a time, until there is an answer."""
    client.settimeout(0.02)
    for place in range(len(content)):
        try:
            client.sendall(content[place : place + 1])
            if client.recv(1, socket.MSG_PEEK):
                break
        except TimeoutError:
            continue
        except ConnectionError:
            break
    client.settimeout(PATIENCE)


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_slow_client_is_refused_though_each_byte_is_in_time(
    service: Service, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(requests, "REQUEST_SECONDS", 0.3)
    with service.connect() as client:
        whole = request(b"x" * 1_000)
        if part == "body":
            client.sendall(whole[:-1_000])
        send_slowly(client, whole if part == "head" else whole[-1_000:])
        status, headers, body = read_answer(client)
    assert (status, headers["Connection"], list(json.loads(body))) == (408, "close", ["error"])
    assert is_well(service)


def test_a_client_that_does_not_read_is_left(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "REQUEST_SECONDS", 0.3)
    body = b'"great movie"\n' * 100_000
    with service.connect() as client:
        client.sendall(request(body, "Content-Type: application/x-ndjson"))
        service.stop()  # it would wait for a request that is being answered
        client.recv(1)


def test_an_idle_connection_is_closed_without_an_answer(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "IDLE_SECONDS", 0.1)
    with service.connect() as client:
        assert client.recv(1) == b""
    with service.connect() as client:
        client.sendall(request(b"great"))
        assert read_answer(client)[0] == 200
        assert client.recv(1) == b""


def test_pipelined_requests_are_answered_in_order(service: Service) -> None:
    texts = [f"text {number}".encode() for number in range(200)]
    with service.connect() as client:
        client.sendall(b"".join(request(text) for text in texts))
        answers = [json.loads(read_answer(client)[2]) for _ in texts]
    assert [answer["text"].encode() for answer in answers] == texts


def test_a_body_that_is_not_read_is_not_a_request(service: Service) -> None:
    hidden = request(b"great movie")
    for start, status in (
        ("POST /x HTTP/1.1\r\nContent-Length: {}", 404),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked", 411),
        ("GET /health HTTP/1.1\r\nContent-Length: {}", 200),
    ):
        with service.connect() as client:
            client.sendall(start.format(len(hidden)).encode() + b"\r\n\r\n" + hidden)
            assert read_answer(client)[0] == status
            assert client.recv(1) == b""


def test_a_client_may_end_its_side_after_the_request(service: Service) -> None:
    with service.connect() as client:
        client.sendall(request(b"great movie"))
        client.shutdown(socket.SHUT_WR)
        assert read_answer(client)[0] == 200
        assert client.recv(1) == b""
    with service.connect() as client:
        client.sendall(request(b"great movie")[:-3])
        client.shutdown(socket.SHUT_WR)
        status, _, body = read_answer(client)
        assert (status, json.loads(body)["error"]) == (400, "the body ends after 8 of 11 bytes")


@pytest.mark.parametrize(
    ("head", "status", "words"),
    [
        ("hello", 400, "Bad request syntax ('hello')"),
        ("GET /health", 400, "not a request of HTTP/1.1"),
        ("GET /health HTTP/9.9", 505, "Invalid HTTP version (9.9)"),
        ("GET /health HTTP/1.1\r\nno colon\r\nHost: x", 400, "not a request of HTTP/1.1"),
        ("GET /health HTTP/1.1\r\n continued: x", 400, "not a request of HTTP/1.1"),
        ("POST / HTTP/1.1", 411, "send Content-Length"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3", 411, "in chunks is not read"),
        ("POST / HTTP/1.1\r\nContent-Length: -1", 400, "Content-Length must be one whole number"),
        ("POST / HTTP/1.1\r\nContent-Length: 1_0", 400, "Content-Length must be one whole number"),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2", 400, "Content-Length must be one"),
        ("POST / HTTP/1.1\r\nContent-Length: 16777217", 413, "at most 16,777,216 bytes"),
        ("POST / HTTP/1.1\r\nContent-Length: " + "9" * 9_000, 413, "at most 16,777,216 bytes"),
        ("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 16777217", 413, "at most"),
        ("GET /" + "x" * 70_000, 431, "longer than 32,768 bytes"),
        ("GET / HTTP/1.1\r\nX: " + "x" * 70_000, 431, "longer than 32,768 bytes"),
        ("GET / HTTP/1.1" + "\r\nX: x" * 101, 431, "Too many headers"),
    ],
)
def test_a_head_that_cannot_be_read(service: Service, head: str, status: int, words: str) -> None:
    with service.connect() as client:
        client.sendall(head.encode() + b"\r\n\r\n")
        found, headers, body = read_answer(client)
        assert (found, headers["Content-Type"]) == (status, "application/json")
        assert words in json.loads(body)["error"]
    assert is_well(service)


@pytest.mark.parametrize(("size", "status"), [(32_768, 200), (32_769, 431)])
def test_the_longest_head(service: Service, size: int, status: int) -> None:
    with service.connect() as client:
        head = b"GET /health HTTP/1.1\r\nX: ".ljust(size - 4, b"x") + b"\r\n\r\n"
        client.sendall(head[:1_000])
        time.sleep(0.1)  # the rest does not end where a block that the server reads would
        client.sendall(head[1_000:])
        assert read_answer(client)[0] == status


def test_the_answer_to_a_body_that_is_too_large_arrives(service: Service) -> None:
    with service.connect() as client:
        client.sendall(request(b"x" * (20 * MIB)))
        assert read_answer(client)[0] == 413
        assert client.recv(1) == b""


def test_the_largest_body_is_answered(service: Service) -> None:
    text = b"great movie ".ljust(16 * MIB, b"x")
    with service.connect() as client:
        client.sendall(request(text, "Expect: 100-continue")[: -len(text)])
        assert read_answer(client)[0] == 100
        client.sendall(text)
        stream = client.makefile("rb")
        assert stream.readline() == b"HTTP/1.1 200 OK\r\n"


def test_a_line_end_before_a_request_is_skipped(service: Service) -> None:
    with service.connect() as client:
        client.sendall(request(b"great") + b"\r\n" + request(b"great"))
        assert [read_answer(client)[0] for _ in range(2)] == [200, 200]


def test_connections_are_limited(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 2)
    monkeypatch.setattr(server, "MOST_REFUSED", 1)
    clients = [service.connect() for _ in range(4)]
    assert clients[3].recv(1) == b""
    for client in clients[:3]:
        client.sendall(b"GET /health HTTP/1.1\r\n\r\n")
    answers = [read_answer(client)[:2] for client in clients[:3]]
    assert [status for status, _ in answers] == [200, 200, 503]
    assert (answers[2][1]["Retry-After"], answers[2][1]["Connection"]) == ("1", "close")
    assert clients[2].recv(1) == b""
    for client in clients:
        client.close()
    while service.ask(b"great")[0] == 503:  # until the server has seen that they have gone
        time.sleep(0.01)


def test_connections_that_wait_can_be_left_to_the_next_server_of_a_socket() -> None:
    (listener,) = listen("0")
    with listener, socket.create_connection(listener.getsockname()):
        stopped = server.Server(Answers(Classifier.load()))
        stopped.stop()
        stopped.accept_until_stopped([listener], leave_waiting=True)
        stopped.finish()
        listener.accept()[0].close()


def test_bodies_are_limited_in_all(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_BODIES", MIB)
    with service.connect() as first, service.connect() as second:
        first.sendall(request(b"x" * MIB, "Expect: 100-continue")[:-MIB])
        assert read_answer(first)[0] == 100
        second.sendall(request(b"great"))
        assert read_answer(second)[0] == 503
        first.sendall(b"x" * MIB)
        assert first.recv(12) == b"HTTP/1.1 200"
    while service.ask(b"great")[0] == 503:
        time.sleep(0.01)


def test_clients_that_leave_and_noise_do_no_harm(
    service: Service, capsys: pytest.CaptureFixture[str], start: Callable[[Classifier], Service]
) -> None:
    draw = random.Random(1)
    whole = request(b"great movie")
    for _ in range(200):
        with service.connect() as client:
            noise = bytearray(whole[: draw.randrange(len(whole) + 1)])
            for _ in range(draw.randrange(4) if noise else 0):
                noise[draw.randrange(len(noise))] = draw.randrange(256)
            client.sendall(noise)
            if draw.random() < 0.5:  # a reset, not an end
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert is_well(service)
    assert capsys.readouterr().err == ""
