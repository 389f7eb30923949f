"""What is freed is kept, in a process of its own."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import ctypes, resource
from deepnrc.commands import keep_freed
told = keep_freed() if {keep} else True
libc, size = ctypes.CDLL(None), 2**22
libc.malloc.restype = ctypes.c_void_p
places = (ctypes.c_void_p * 12)()
def passed():  # 48 MB, with nothing above them, freed in one go
    for i in range(12):
        places[i] = libc.malloc(ctypes.c_size_t(size))
        libc.memset(ctypes.c_void_p(places[i]), 1, ctypes.c_size_t(size))
    for i in reversed(range(12)):
        libc.free(ctypes.c_void_p(places[i]))
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    passed()
before = passed()
print(told, passed() - before)
"""


def faults(keep):
    ran = subprocess.run([sys.executable, "-c", FAULTS.format(keep=keep)], capture_output=True, text=True, check=True)
    told, count = ran.stdout.split()
    return told == "True", int(count)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_what_a_pass_frees_is_there_for_the_next_one():
    told, count = faults(keep=True)
    assert told
    assert count < 1000 < faults(keep=False)[1]


def test_another_c_library_is_left_alone(monkeypatch):
    from deepnrc.commands import keep_freed

    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not keep_freed()
