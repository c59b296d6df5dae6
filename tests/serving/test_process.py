"""``classify.py --serve`` as a process: addresses, signals, and many requests."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.runtime.helpers import RUNTIME, run
from tests.serving.service import PATIENCE, read_answer, request

CLASSIFY = [sys.executable, str(RUNTIME / "classify.py")]
Start = Callable[..., "tuple[subprocess.Popen[str], str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the command, and return the process and where it says that it listens."""
    processes: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, command: list[str] = CLASSIFY, **more: object) -> tuple[subprocess.Popen[str], str]:
        more |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "preexec_fn": heed_signals}
        process = subprocess.Popen([*command, "--serve", *arguments], **more)  # type: ignore[call-overload]
        processes.append(process)
        line = process.stderr.readline()
        assert line.startswith("listening on "), line + process.stderr.read()
        return process, line.removeprefix("listening on ").rstrip()

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def heed_signals() -> None:
    """Let signals end this process; whatever started the tests may ignore them."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def connect(address: str) -> socket.socket:
    if address.startswith("unix:"):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(PATIENCE)
        client.connect(address.removeprefix("unix:"))
        return client
    host, _, port = address.removeprefix("http://").rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE)


def ask(address: str, text: str = "great movie") -> dict[str, object]:
    with connect(address) as client:
        client.sendall(request(text.encode()))
        status, _, body = read_answer(client)
        assert status == 200, body
        answer: dict[str, object] = json.loads(body)
        return answer


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> None:
    """Send a signal, and expect a clean and silent end."""
    process.send_signal(number)
    output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output, errors) == (0, "", "")


def test_the_options_of_answers(start: Start) -> None:
    process, address = start("0", "--threshold", "1", "--top-k", "2")
    done = run("--json", "--threshold", "1", "--top-k", "2", "great movie", fake=False)
    assert ask(address) == json.loads(done.stdout)
    end(process)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("x", "is not an address: give a port such as 8080"),
        ("65536", "is not an address"),
        (":80", "is not an address"),
        ("::1:80", "is not an address"),
        ("localhost:", "is not an address"),
        ("", "--serve is empty: is a variable unset?"),
        ("unix:", "needs a path: is a variable unset?"),
        ("unix:/nowhere/socket", "--serve unix:/nowhere/socket: No such file or directory"),
        ("unix:/tmp/" + "x" * 200, "too long"),
        ("192.0.2.1:0", "--serve 192.0.2.1:0: Cannot assign requested address"),
        ("x" * 70 + ":0", ": "),
        ("systemd", "systemd passed no socket: start the .socket unit, or give an address"),
    ],
)
def test_addresses_that_cannot_be_used(address: str, words: str) -> None:
    done = run("--serve", address, fake=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert words in done.stderr.decode().splitlines()[-1]
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "other",
    [
        *(("great",), ("--file", "x"), ("--json",), ("--jsonl", "x"), ("--csv", "x"), ("--parquet", "x")),
        *(("--explain",), ("--label-only",), ("--summary", "x"), ("--encoding", "utf-8"), ("--prefix", "x")),
        *(("--info",), ("--doctor",), ("--verify",), ("--drift", "x"), ("--top-words",)),
    ],
)
def test_options_that_would_be_ignored_are_refused(other: tuple[str, ...]) -> None:
    done = run("--serve", "0", *other)
    assert (done.returncode, done.stdout) == (2, b"")
    assert "does not use" in done.stderr.decode().splitlines()[-1]


def test_a_port_in_use_is_refused_and_only_this_machine_is_served(start: Start) -> None:
    process, address = start("0")
    assert address.startswith("http://127.0.0.1:")
    port = address.rpartition(":")[2]
    done = run("--serve", port, fake=False)
    assert (done.returncode, done.stderr.decode()) == (2, f"error: --serve {port}: Address already in use\n")
    end(process)


def test_version_6_of_the_internet_protocol(start: Start) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    process, address = start("[::1]:0")
    assert address.startswith("http://[::1]:")
    ask(address)
    end(process)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_idle_connections_and_finishes_requests(start: Start, number: int) -> None:
    process, address = start("0")
    with connect(address) as idle, connect(address) as busy:
        whole = request(b"great movie")
        idle.sendall(whole)
        read_answer(idle)
        busy.sendall(whole[:-5])
        ask(address)  # the server has accepted the others
        process.send_signal(number)
        assert idle.recv(1) == b""
        busy.sendall(whole[-5:])
        status, headers, _ = read_answer(busy)
        assert (status, headers["Connection"]) == (200, "close")
    output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output, errors) == (0, "", "")


@pytest.mark.slow
def test_a_request_that_never_comes_does_not_keep_a_stopped_server(start: Start) -> None:
    process, address = start("0")
    with connect(address) as client:
        client.sendall(request(b"great movie")[:-5])
        ask(address)
        process.send_signal(signal.SIGTERM)
        assert read_answer(client)[0] == 503
        assert process.wait(PATIENCE) == 0


def test_a_second_interrupt_ends_the_server_at_once(start: Start) -> None:
    process, address = start("0")
    with connect(address) as idle, connect(address) as busy:
        busy.sendall(request(b"great movie")[:-5])
        ask(address)
        process.send_signal(signal.SIGINT)
        assert idle.recv(1) == b""
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == -signal.SIGINT


@pytest.mark.slow
def test_signals_in_the_middle_of_work_lose_no_request(start: Start) -> None:
    """Every request of which all bytes were received before the signal is answered."""
    process, address = start("0")
    clients = [connect(address) for _ in range(32)]
    for client in clients:
        client.sendall(request(b'"great movie"\n' * 5_000, "Content-Type: application/x-ndjson"))
    process.send_signal(signal.SIGTERM)
    for client in clients:
        with client:
            content = b""
            while piece := client.recv(65_536):
                content += piece
            assert (content[:12], content[-7:]) == (b"HTTP/1.1 200", b"\r\n0\r\n\r\n")
    assert process.wait(PATIENCE) == 0


def test_a_unix_socket_is_made_with_the_umask_and_removed(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "edgetext.sock"
    process, address = start(f"unix:{path}", umask=0o027)
    assert address == f"unix:{path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    assert ask(address)["label"] == "positive"
    end(process)
    assert not path.exists()


def test_a_unix_socket_in_use_is_refused_and_a_stale_one_replaced(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "edgetext.sock"
    process, address = start(f"unix:{path}")
    done = run("--serve", address, fake=False)
    assert (done.returncode, b"another process listens there" in done.stderr) == (2, True)
    ask(address)
    process.kill()
    process.wait()
    assert path.exists()
    process, address = start(f"unix:{path}")
    ask(address)
    # Another server took its place.
    path.unlink()
    other, _ = start(f"unix:{path}")
    end(process)
    ask(address)
    end(other)


def test_a_file_is_not_replaced_by_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_text("precious")
    done = run("--serve", f"unix:{path}", fake=False)
    assert (done.returncode, b"a file is there that is not a socket" in done.stderr) == (2, True)
    assert path.read_text() == "precious"


def test_sockets_of_socket_activation(start: Start, tmp_path: Path) -> None:
    """As systemd does: descriptors from 3 on, their number and the process in the environment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        script = f'exec 3<&{listener.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
        command = ["bash", "-c", script, "bash", *CLASSIFY]
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        waiting = connect(address)  # before anything runs
        waiting.sendall(request(b"great movie"))
        process, found = start("systemd", command=command, pass_fds=[listener.fileno()])
        assert found == address
        assert read_answer(waiting)[0] == 200
        waiting.close()
        end(process)
        later = connect(address)  # the socket is systemd's, and still listens
        later.sendall(request(b"great movie"))
        process, _ = start("systemd", command=command, pass_fds=[listener.fileno()])
        assert read_answer(later)[0] == 200
        later.close()
        end(process)


def test_a_passed_descriptor_that_does_not_listen_is_refused(tmp_path: Path) -> None:
    script = 'exec 3</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" --serve systemd'
    done = subprocess.run(["bash", "-c", script, "bash", *CLASSIFY], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --serve systemd: descriptor 3: ")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_the_units_of_the_guide_are_correct(tmp_path: Path) -> None:
    guide = (RUNTIME / "guides" / "http-server.md").read_text("utf-8").replace("/opt/edgetext", str(RUNTIME))
    names = ["edgetext-http.socket", "edgetext-http.service"]
    for name in names:
        found = re.search(rf"`/etc/systemd/system/{name}`.*\n\n```ini\n([^`]*)```", guide)
        assert found, name
        (tmp_path / name).write_text(found[1])
    command = ["systemd-analyze", "verify", *(str(tmp_path / name) for name in names)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def memory(process: subprocess.Popen[str]) -> int:
    """Return the resident memory of a process in KiB."""
    (line,) = [line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if "VmRSS" in line]
    return int(line.split()[1])


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads the memory from Linux's /proc")
def test_many_requests_of_8_clients_are_all_answered_in_constant_memory(start: Start) -> None:
    process, address = start("0")
    port = int(address.rpartition(":")[2])
    wrong: list[object] = []

    def ask_many(first: int, count: int) -> None:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        for number in range(first, first + count):
            text = f"great movie {number}"
            client.request("POST", "/", text, {"Connection": "close"} if number % 10 == 0 else {})
            answer = client.getresponse()
            body = json.loads(answer.read())
            if (answer.status, body.get("text"), body.get("label")) != (200, text, "positive"):
                wrong.append(body)

    def ask_all(count: int) -> int:
        threads = [threading.Thread(target=ask_many, args=(number * count, count)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return memory(process)

    before = ask_all(250)
    after = ask_all(2_250)
    assert wrong == []
    assert after < before * 1.1
    with connect(address) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        metrics = read_answer(client)[2].decode().splitlines()
    assert 'edgetext_requests_total{code="200"} 20000' in metrics
    assert "edgetext_request_seconds_count 20000" in metrics
    end(process)
