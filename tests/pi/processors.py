"""The processors to emulate, and what libraries read of a kernel to find out what they can.

Under emulation they would read this machine's, and onnxruntime and ai-edge-litert then crash.
"""

from __future__ import annotations

from typing import NamedTuple


class Processor(NamedTuple):
    """A processor, as /proc/cpuinfo describes it.

    Attributes:
        part: Its number among ARM's.
        architecture: The version of its instruction set.
        features: What it can, in the kernel's words.
    """

    part: str
    architecture: int
    features: str


V8 = "fp asimd evtstrm crc32 cpuid"
# By qemu's names.
PROCESSORS = {
    "cortex-a7": Processor(
        "0xc07", 7, "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm"
    ),
    "cortex-a53": Processor("0xd03", 8, V8),
    "cortex-a72": Processor("0xd08", 8, V8),
}
CORES = 4


def kernel_files(cpu: str) -> dict[str, str]:
    """Return the content of the kernel's files by their path, without the first slash."""
    processor = PROCESSORS[cpu]
    lines = {
        "BogoMIPS": "108.00",
        "Features": processor.features,
        "CPU implementer": "0x41",
        "CPU architecture": processor.architecture,
        "CPU variant": "0x0",
        "CPU part": processor.part,
        "CPU revision": "4",
    }
    cores = ["".join(f"{name}\t: {value}\n" for name, value in {"processor": n, **lines}.items()) for n in range(CORES)]
    # A board is named there too; results measured here record it.
    info = "\n".join([*cores, f"Model\t\t: {cpu} emulated by qemu\n"])
    listed = {f"sys/devices/system/cpu/{name}": f"0-{CORES - 1}\n" for name in ("possible", "present")}
    return {"proc/cpuinfo": info, **listed}
