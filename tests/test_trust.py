"""Promises of SECURITY.md: files are data, never code, and scoring opens no connection."""

from __future__ import annotations

import ast
import platform
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("runtime", "train", "export", "benchmarks")
# Modules that create objects from what they read, and so can run code.
PICKLES = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "yaml", "torch"}
# Functions that run code.
RUNNERS = {"eval", "exec", "compile", "joblib.load"}

# Starts a command that the kernel kills if it, or a native library in it, opens a socket.
WITHOUT_SOCKETS = textwrap.dedent(
    """
    import ctypes, os, platform, sys

    SOCKET = {"x86_64": 41, "aarch64": 198}[platform.machine()]  # <asm/unistd.h>
    PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2  # <linux/prctl.h>, <linux/seccomp.h>
    KILL_PROCESS, ALLOW = 0x80000000, 0x7FFF0000

    class Instruction(ctypes.Structure):  # of a filter: <linux/filter.h>
        _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]

    class Program(ctypes.Structure):
        _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(Instruction))]

    filter = (Instruction * 4)(
        Instruction(0x20, 0, 0, 0),  # load the call's number
        Instruction(0x15, 0, 1, SOCKET),  # is it this one?
        Instruction(0x06, 0, 0, KILL_PROCESS),
        Instruction(0x06, 0, 0, ALLOW),
    )
    libc = ctypes.CDLL(None)
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(Program(4, filter)), 0, 0) == 0
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
    """
)
needs_seccomp = pytest.mark.skipif(
    not (sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")),
    reason="forbids sockets by Linux's seccomp, with the numbers of these two machines",
)


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for stage in STAGES:
        for path in (ROOT / stage).rglob("*.py"):
            yield path, ast.parse(path.read_text("utf-8"))


def test_nothing_that_is_read_is_run() -> None:
    found = []
    for path, tree in sources():
        for node in ast.walk(tree):
            names: list[str] = []
            place = f"{path}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Call) and ast.unparse(node.func).removeprefix("builtins.") in RUNNERS:
                found.append(f"{place}: {ast.unparse(node.func)}")
            found += [f"{place}: {name}" for name in names if name.partition(".")[0] in PICKLES]
    assert found == []


@pytest.mark.parametrize(("function", "argument"), [("load", "allow_pickle=False"), ("load_model", "safe_mode=True")])
def test_what_could_run_code_is_told_not_to(function: str, argument: str) -> None:
    """numpy's files can contain pickles, and Keras models Python code."""
    calls = [
        (path, node)
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == function
        and ast.unparse(node.func.value) in ("np", "numpy", "keras", "keras.saving", "keras.models")
    ]
    assert calls
    for path, node in calls:
        assert argument in [ast.unparse(keyword) for keyword in node.keywords], f"{path}:{node.lineno}"


def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", WITHOUT_SOCKETS, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False)


@needs_seccomp
def test_sockets_are_forbidden_indeed() -> None:
    for kind in ("AF_INET, socket.SOCK_STREAM", "AF_UNIX, socket.SOCK_DGRAM"):
        result = run("-c", f"import socket; socket.socket(socket.{kind}); print('opened')")
        assert result.returncode == -31, kind  # SIGSYS
        assert result.stdout == b""


@needs_seccomp
@pytest.mark.parametrize("engine", ["auto", "builtin", "tflite", "onnx"])
def test_scoring_opens_no_connection(engine: str) -> None:
    result = run("runtime/classify.py", "--engine", engine, "great movie", "a dull film")
    assert (result.returncode, result.stderr) == (0, b"")
    assert [line.split(b"\t")[0] for line in result.stdout.splitlines()] == [b"positive", b"negative"]


@needs_seccomp
def test_looking_opens_no_connection() -> None:
    for option in ("--info", "--doctor"):
        result = run("runtime/classify.py", option)
        assert (result.returncode, result.stderr) == (0, b"")
