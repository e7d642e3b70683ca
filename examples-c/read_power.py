#!/usr/bin/env python3
"""Power of each GPU through ctypes; no package needed.

    read_power.py [path of libzeus_amd.so]
"""

import ctypes
import sys

NOT_SUPPORTED = -4

lib = ctypes.CDLL(sys.argv[1] if len(sys.argv) > 1 else "libzeus_amd.so.0")
session_t, index_t = ctypes.c_void_p, ctypes.c_uint32
lib.zeus_amd_open.argtypes = [ctypes.c_void_p, ctypes.POINTER(session_t)]
lib.zeus_amd_close.argtypes = [session_t]
lib.zeus_amd_close.restype = None
lib.zeus_amd_gpu_count.argtypes = [session_t, ctypes.POINTER(ctypes.c_uint32)]
for name in ("zeus_amd_power_instant_mw", "zeus_amd_power_average_mw"):
    getattr(lib, name).argtypes = [session_t, index_t, ctypes.POINTER(ctypes.c_uint64)]
lib.zeus_amd_explain.argtypes = [session_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p]
lib.zeus_amd_last_error.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
lib.zeus_amd_last_error.restype = ctypes.c_size_t


def check(status):
    if status != 0:
        text = ctypes.create_string_buffer(1024)
        lib.zeus_amd_last_error(text, len(text))
        sys.exit("read_power: " + text.value.decode())


def power_mw(session, gpu):
    """MI300 and later report the power of this moment, earlier GPUs an average."""
    value = ctypes.c_uint64()
    status = lib.zeus_amd_power_instant_mw(session, gpu, value)
    if status == NOT_SUPPORTED:
        status = lib.zeus_amd_power_average_mw(session, gpu, value)
    if status == NOT_SUPPORTED:
        return None
    check(status)
    return value.value


session, count = session_t(), ctypes.c_uint32()
check(lib.zeus_amd_open(None, session))
try:
    check(lib.zeus_amd_gpu_count(session, count))
    if count.value == 0:
        text = ctypes.create_string_buffer(4096)
        check(lib.zeus_amd_explain(session, text, len(text), None))
        print(text.value.decode(), end="")
    for gpu in range(count.value):
        mw = power_mw(session, gpu)
        print(f"cuda:{gpu}", "no power of its own" if mw is None else f"{mw / 1000:.0f} W")
finally:
    lib.zeus_amd_close(session)
