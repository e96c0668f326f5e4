# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/lua/tcp/COVERAGE.md is what its script makes, and no requirement is without a test."""

import pathlib
import subprocess
import sys

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "lua" / "tcp" / "coverage.py"


if __name__ == "__main__":
    sys.exit(subprocess.run([sys.executable, str(SCRIPT), "--check"], check=False).returncode)
