"""What is advised on which machine, and what --doctor finds, with engines that are there, missing, wrong or crash."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

from edgetext import Bundle, BundleError
from edgetext.bundle import DEFAULT_BUNDLE
from edgetext.command import doctor
from edgetext.engines.machine import Machine, install_command, packages, remedy
from tests.runtime.helpers import change_behind_crc32, run, run_process

GLIBC = "glibc 2.36"
LITERT, OLD = "ai-edge-litert", 'tflite-runtime "numpy<2"'


def machine(
    processor: str = "aarch64",
    python: tuple[int, int] = (3, 11),
    *,
    system: str = "Linux",
    libc: str = GLIBC,
    managed: bool = False,
) -> Machine:
    return Machine(system, processor, python, libc, managed=managed, executable="/usr/bin/python3")


class MachineTest(unittest.TestCase):
    def test_packages(self) -> None:
        for there, tflite, onnx in (
            (machine("x86_64"), LITERT, True),
            (machine("aarch64", (3, 13)), LITERT, True),  # Raspberry Pi OS Trixie
            (machine("aarch64", (3, 11)), LITERT, True),  # Bookworm
            (machine("aarch64", (3, 10)), LITERT, True),
            (machine("aarch64", (3, 9)), OLD, True),
            (machine("x86_64", (3, 9)), OLD, True),
            (machine("armv7l", (3, 11)), OLD, False),
            (machine("armv7l", (3, 13)), None, False),  # 32-bit Trixie
            (machine("armv8l", (3, 11)), OLD, False),
            (machine("armv6l", (3, 11)), None, False),  # Pi Zero
            (machine("riscv64", (3, 13)), None, False),
            (machine("i686", (3, 11)), None, False),
            (machine("x86_64", libc=""), None, False),  # musl: Alpine, many a router
            (machine("aarch64", (3, 12), system="Darwin", libc=""), LITERT, True),
            (machine("x86_64", (3, 12), system="Darwin", libc=""), None, False),
            (machine("x86_64", (3, 12), system="Windows", libc=""), LITERT, True),
            (machine("x86_64", (3, 9), system="Windows", libc=""), None, True),
        ):
            with self.subTest(machine=str(there)):
                self.assertEqual(packages("tflite", there), tflite)
                self.assertEqual(packages("onnx", there), '"onnxruntime!=1.21.0"' if onnx else None)

    def test_commands(self) -> None:
        self.assertEqual(install_command("tflite", machine()), f"/usr/bin/python3 -m pip install {LITERT}")
        # PEP 668: pip would refuse.
        self.assertEqual(
            install_command("onnx", machine(managed=True)),
            '/usr/bin/python3 -m venv ~/edgetext-venv && ~/edgetext-venv/bin/pip install "onnxruntime!=1.21.0"',
        )
        # No wheel of numpy for 32-bit ARM: it comes from the system.
        command = install_command("tflite", machine("armv7l")) or ""
        self.assertIn("apt install python3-numpy", command)
        self.assertIn("--system-site-packages", command)
        self.assertTrue(command.endswith("pip install tflite-runtime"))
        self.assertIsNone(install_command("onnx", machine("armv7l")))

    def test_here(self) -> None:
        here = Machine.here()
        self.assertEqual(here.python, sys.version_info[:2])
        self.assertEqual(here.executable, sys.executable)
        with mock.patch("platform.machine", return_value="aarch64"), mock.patch("sys.maxsize", 2**31 - 1):
            self.assertEqual(Machine.here().processor, "armv7l")  # a 32-bit system over a 64-bit kernel
        with mock.patch("platform.machine", return_value="AMD64"):
            self.assertEqual(Machine.here().processor, "x86_64")
        with mock.patch("os.path.exists", return_value=True), mock.patch("sys.prefix", "/p"):
            with mock.patch("sys.base_prefix", "/p"):
                self.assertTrue(Machine.here().managed)
            with mock.patch("sys.base_prefix", "/q"):  # a virtual environment
                self.assertFalse(Machine.here().managed)

    def test_remedy(self) -> None:
        with mock.patch.object(Machine, "here", return_value=machine("armv6l")):
            self.assertIn("no wheel of it for", remedy("tflite"))
            self.assertIn("the engine builtin needs none", remedy("onnx"))
        with mock.patch.object(Machine, "here", return_value=machine()):
            self.assertEqual(remedy("tflite"), f"to install it: /usr/bin/python3 -m pip install {LITERT}")


def answers(**outcomes: Any) -> Any:
    """Stand in for the processes in which engines are tried: what each prints, or how it ends, by engine."""

    def start(command: list[str], **options: Any) -> Any:
        outcome = {"native": {"error": "engine native: not installed"}, **outcomes}[command[5]]
        if isinstance(outcome, BaseException):
            raise outcome
        if isinstance(outcome, int):
            return mock.Mock(returncode=outcome, stdout=b"")
        return mock.Mock(returncode=0, stdout=json.dumps(outcome).encode())

    return mock.patch("subprocess.run", start)


class DoctorTest(unittest.TestCase):
    RIGHT: dict[str, Any]

    @classmethod
    def setUpClass(cls) -> None:
        """The answer of the engine builtin is the expected one."""
        test = Bundle.open().manifest["self_test"]
        answer = doctor.attempt([Bundle.open().folder, "builtin", "wi8_afp64", test["text"]])
        cls.RIGHT = {**answer, "runtime": "library 1.0"}

    def test_everything_works(self) -> None:
        with answers(tflite=self.RIGHT, onnx=self.RIGHT, native=self.RIGHT):
            found = doctor.examine(None)
        self.assertEqual([record["works"] for record in found["engines"].values()], [True] * 4)
        self.assertEqual(found["engines"]["tflite"]["runtime"], "library 1.0")
        self.assertEqual(found["engines"]["builtin"]["runtime"], "edgetext")

    def test_what_does_not_work(self) -> None:
        second = next(label for label in self.RIGHT["probabilities"] if label != self.RIGHT["label"])
        turned = {self.RIGHT["label"]: 0.02, second: 0.98}
        for outcome, parts in (
            ({"error": "engine tflite: none is installed; to install it: do"}, ["to install it: do"]),
            (-4, ["was ended by SIGILL", "another version may work: "]),  # onnxruntime 1.21.0 on a Raspberry Pi 4
            (-11, ["was ended by SIGSEGV"]),
            (-200, ["was ended by signal 200"]),
            (1, ["exit code 1"]),
            (OSError(8, "Exec format error"), ["not tried", "Exec format error"]),
            (subprocess.TimeoutExpired("python", 120), ["no answer within 120 seconds"]),
            ({**self.RIGHT, "probabilities": turned}, ["answers 0.02", "do not use it"]),
            ({**self.RIGHT, "probabilities": {self.RIGHT["label"]: float("nan")}}, ["do not use it"]),
        ):
            with self.subTest(outcome=outcome), answers(tflite=outcome, onnx=self.RIGHT):
                record = doctor.examine(None)["engines"]["tflite"]
                self.assertFalse(record["works"])
                for part in parts:
                    self.assertIn(part, record["reason"])

    def test_report(self) -> None:
        for outcome, good in ((self.RIGHT, "with builtin and tflite and onnx"), (-4, "with builtin")):
            with answers(tflite=outcome, onnx=outcome), redirect_stdout(io.StringIO()) as printed:
                self.assertTrue(doctor.report(None))
            lines = printed.getvalue().splitlines()
            self.assertEqual(lines[-1], f"this bundle works here, {good}")
            self.assertEqual(len(lines), 10)
        fail = mock.patch.object(doctor, "attempt", return_value={"error": "as planned"})
        with answers(tflite=-4, onnx=-4), fail, redirect_stdout(io.StringIO()) as printed:
            self.assertFalse(doctor.report(None, as_json=True))
        self.assertEqual(json.loads(printed.getvalue())["engines"]["builtin"]["reason"], "as planned")

    def test_files_whose_sha256_differs(self) -> None:
        for changed, working in (("model.wi8_afp64.safetensors", ["tflite", "onnx"]), ("vocab.txt", [])):
            with self.subTest(changed), tempfile.TemporaryDirectory() as name:
                folder = Path(name) / "bundle"
                shutil.copytree(DEFAULT_BUNDLE, folder)
                change_behind_crc32(folder, changed)
                with answers(tflite=self.RIGHT, onnx=self.RIGHT):
                    found = doctor.examine(folder)["engines"]
                self.assertEqual([engine for engine in found if found[engine]["works"]], working)
                self.assertRegex(found["builtin"]["reason"], f"{changed}: its checksum")

    def test_what_a_command_does_not_pass_over(self) -> None:
        """Of a damaged bundle, even a sound model is only used if its engine is chosen."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "bundle"
            shutil.copytree(DEFAULT_BUNDLE, folder)
            (folder / "model.wi8_afp64.safetensors").unlink()
            with answers(tflite=self.RIGHT, onnx=self.RIGHT):
                with redirect_stdout(io.StringIO()) as printed:
                    self.assertFalse(doctor.report(folder))
                self.assertIsNone(doctor.examine(folder)["auto"])
            self.assertEqual(run("--model", str(folder), "great", fake=False).returncode, 2)
        last = printed.getvalue().splitlines()[-1]
        self.assertEqual(last, "this bundle works here, but only with --engine tflite or onnx")
        fail = mock.patch.object(doctor, "attempt", return_value={"error": "this Python is too small"})
        with answers(tflite=self.RIGHT, onnx=self.RIGHT), fail:
            self.assertEqual(doctor.examine(None)["auto"], "tflite")

    def test_no_bundle(self) -> None:
        with redirect_stdout(io.StringIO()) as printed, self.assertRaises(BundleError):
            doctor.report("/nowhere")
        self.assertIn("python ", printed.getvalue())

    def test_the_command_for_real(self) -> None:
        """Whatever is installed here, builtin works, and the others have the command that installs them."""
        result = run("--doctor", fake=False)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        lines = result.stdout.decode().splitlines()
        self.assertIn("builtin     works: edgetext", "\n".join(lines))
        self.assertTrue(lines[-1].startswith("this bundle works here, with builtin"))
        for line in lines:
            if "does not work" in line:
                self.assertRegex(line, "to (install|fix) it: |there is no wheel of it")
        result = run("--doctor", "--model", "/nowhere", fake=False)
        self.assertEqual((result.returncode, result.stderr.count(b"\n")), (2, 1))
        found = json.loads(run("--doctor", "--json", fake=False).stdout)
        self.assertEqual(list(found["engines"]), ["builtin", "tflite", "onnx", "native"])

    def test_a_real_crash(self) -> None:
        """A library that ends the process: an interpreter's module that kills it."""
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "ai_edge_litert"))
            with open(os.path.join(folder, "ai_edge_litert", "__init__.py"), "w", encoding="utf-8") as file:
                file.write("import os, signal; os.kill(os.getpid(), signal.SIGILL)\n")
            result = run_process("--doctor", fake=False, env={**os.environ, "PYTHONPATH": folder})
        self.assertEqual(result.returncode, 0)
        self.assertIn(b"tflite      does not work: it crashes: its process was ended by SIGILL", result.stdout)


if __name__ == "__main__":
    unittest.main()
