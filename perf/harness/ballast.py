# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory that was touched beforehand and is let go as a run wants it. A virtual machine is given its pages by the
host when they are first touched, and pays for each (about 8 us of 4 KiB where this was written, as much as the kernel
needs for half a connect); pages that stay free for some seconds may be taken back. A rig would not pay that."""

import mmap

POPULATE_WRITE = 23  # MADV_POPULATE_WRITE, Linux 5.14
STEP = 64 << 20


class Ballast:
    def __init__(self, size):
        self.size = self.held = -(-size // STEP) * STEP
        self.memory = mmap.mmap(-1, self.size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) if size > 0 else None

    def fill(self):
        if self.memory is None:
            return
        self.memory.madvise(mmap.MADV_HUGEPAGE)
        for at in range(0, self.size, STEP):
            self.memory.madvise(POPULATE_WRITE, at, STEP)

    def release(self, wanted):
        """Let so many bytes go in all."""
        while self.size - self.held < wanted and self.held > 0:
            self.held -= STEP
            self.memory.madvise(mmap.MADV_DONTNEED, self.held, STEP)
