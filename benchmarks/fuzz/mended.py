"""Model files whose checksum has been made right after the damage, so that ONNX Runtime gets to see the network.

Nobody has such a file by accident. ONNX Runtime is native code and was not made for hostile files: what it does with
them is counted here, and a program that loads models of strangers should do so in a process of its own.
"""

from __future__ import annotations

import re

from benchmarks.fuzz.model import ModelTarget
from speech_lstm.runtime.model.metadata import CHECKSUM, sealed

_SEAL = re.compile(CHECKSUM.encode() + rb"\x12\x40([0-9a-f]{64})")


def make() -> MendedTarget:
    """For the harness."""
    return MendedTarget()


class MendedTarget(ModelTarget):
    """Files with the right checksum, as far as they have one."""

    def attempt(self, name: str, content: bytes) -> str:
        """As for the others, after the repair."""
        found = _SEAL.search(content)
        if found and content.count(found[1]) == 1:
            content = sealed(content.replace(found[1], b"0" * 64))
        return super().attempt(name, content)
