"""Run a program that is killed, with all its children, as soon as one of them opens a socket to a network.

python tests/socket_guard.py PROGRAM ARGUMENT ...

A seccomp filter (https://docs.kernel.org/userspace-api/seccomp_filter.html) sees what C libraries do as well, and goes
along with every thread and child. Sockets inside the machine (AF_UNIX) are allowed. Linux on x86-64 and arm64 only.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import socket
import struct
import sys

KILLED = -signal.SIGSYS
"""Exit code, as `subprocess` tells it, of a program that the guard has ended."""

# Audit architecture and number of socket(2), from linux/audit.h and the tables of system calls.
_SYSTEM_CALL = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _MODE_FILTER = 22, 38, 2
_ALLOW, _KILL_PROCESS = 0x7FFF0000, 0x80000000
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF: ld [k], jeq #k, ret #k
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data


def is_possible() -> bool:
    """Whether this machine can be guarded."""
    return sys.platform == "linux" and platform.machine() in _SYSTEM_CALL


def forbid_network() -> None:
    """From now on, and for ever, in this process and its children."""
    architecture, call = _SYSTEM_CALL[platform.machine()]
    program = (
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 0, 5, architecture),  # jumps are counted from the next instruction
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_EQUAL, 0, 3, call),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_EQUAL, 2, 0, socket.AF_INET),
        (_JUMP_EQUAL, 1, 0, socket.AF_INET6),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _KILL_PROCESS),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *instruction) for instruction in program))
    described = ctypes.create_string_buffer(struct.pack("HP", len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, described, 0, 0):
        raise OSError(ctypes.get_errno(), "the filter was not taken")


if __name__ == "__main__":
    forbid_network()
    os.execvp(sys.argv[1], sys.argv[1:])
