"""Memory that is freed is kept for what comes next."""

from __future__ import annotations

import ctypes
import platform

TRIM, MMAP = -1, -3  # names of malloc's settings, M_TRIM_THRESHOLD and M_MMAP_THRESHOLD
LARGEST = (2**30, 2**25)  # bytes of a block that comes from the heap; what an older glibc takes at most


def keep_freed() -> bool:
    """Have the C library keep what is freed, and whether it does: of a process that is all ours.

    The maps of a convolutional network are freed at the end of every forward pass. glibc gives them back to the system,
    unless something else happens to lie above them, and the next pass then asks for each page anew: a tenth of the
    time of a ResNet18. Other C libraries are left alone.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    set_to = ctypes.CDLL(None).mallopt
    return any(set_to(MMAP, size) for size in LARGEST) and bool(set_to(TRIM, 2**31 - 1))
