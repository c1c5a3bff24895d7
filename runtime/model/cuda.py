"""Whether ONNX Runtime can use CUDA here, found out without its own loud attempts."""

from __future__ import annotations

import ctypes
import sys

import onnxruntime

PROVIDER = "CUDAExecutionProvider"


def why_no_cuda() -> str | None:
    """The reason why CUDA cannot work on this machine, or None if a device is there.

    Asks the driver directly (cuInit, cuDeviceGetCount of the CUDA driver API). The CUDA libraries themselves are only
    tried when a session is made.
    """
    if PROVIDER not in onnxruntime.get_available_providers():
        return "this ONNX Runtime was built without CUDA; it needs the package onnxruntime-gpu"
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(name)
    except OSError:
        return f"no NVIDIA driver is installed ({name} is not found)"
    if code := driver.cuInit(0):
        return f"the NVIDIA driver finds no usable CUDA device (cuInit returned {code})"
    count = ctypes.c_int()
    if code := driver.cuDeviceGetCount(ctypes.byref(count)):
        return f"the NVIDIA driver cannot count its CUDA devices (cuDeviceGetCount returned {code})"
    return None if count.value else "the NVIDIA driver finds no CUDA device"
