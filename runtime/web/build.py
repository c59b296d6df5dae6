"""Build the package for browsers and Node.js: a folder to serve, with a page, and to pack with npm.

Usage (`make web` does this with the default model):

    python runtime/web/build.py build/web --model build/c-model/model.wi8_afp64_small.etx

Needs the package ziglang, which is a C compiler. Exit codes: 0; 2 if something is missing or does not compile, or the
port is in use.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = ("edgetext.mjs", "edgetext.d.ts", "package.json", "README.md", "index.html", "page.mjs", "page.css")
SOURCES = (HERE / "wasm.c", HERE.parent / "c" / "edgetext.c")
FLAGS = ["-target", "wasm32-freestanding", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
FLAGS += [f"-I{HERE}", "-ffp-contract=off", "-Os", "-Xclang", "-Oz", "-flto", "-s"]
FLAGS += ["-Wl,--no-entry", "-Wl,-z,stack-size=65536"]


def build(folder: Path, model: Path | None = None) -> None:
    """Write the package into a folder, with a model for the page.

    Raises:
        OSError: If a file cannot be read or written.
        RuntimeError: If ziglang is missing, or the library does not compile.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise RuntimeError("building edgetext.wasm needs a C compiler: pip install ziglang")
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, *map(str, SOURCES), "-o", str(folder / "edgetext.wasm")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode:
        raise RuntimeError(f"edgetext.wasm does not compile: {done.stderr.strip()}")
    os.chmod(folder / "edgetext.wasm", 0o644)
    for source in (*(HERE / name for name in FILES), HERE.parent / "LICENSE"):
        shutil.copyfile(source, folder / source.name)
    if model is not None:
        shutil.copyfile(model, folder / "model.etx")


def serve(folder: Path, port: int) -> None:
    """Serve a folder to this machine until Ctrl-C.

    Raises:
        OSError: If the port cannot be used.
    """
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    except OSError as error:
        raise OSError(f"port {port}: {error.strerror}; for another one: make web PORT=8080") from None
    print(f"serving {folder} at http://127.0.0.1:{port}/ until Ctrl-C", flush=True)
    with server, contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder to write")
    parser.add_argument("--model", type=Path, metavar="FILE", help="the model that the page opens with")
    parser.add_argument("--serve", type=int, metavar="PORT", help="then serve the folder to this machine")
    args = parser.parse_args(argv)
    try:
        build(args.folder, args.model)
        if args.serve is not None:
            serve(args.folder, args.serve)
    except (OSError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
