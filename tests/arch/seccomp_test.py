# SPDX-License-Identifier: GPL-3.0-or-later
"""docker/seccomp.json is Docker's default profile and three calls more."""

import hashlib
import json
import pathlib
import unittest

PROFILE = pathlib.Path(__file__).resolve().parents[2] / "docker" / "seccomp.json"

# profiles/seccomp/default.json of moby 26.1.5, tabs and no newline at its end.
DEFAULT_SHA256 = "9c1025c88ccaa517b648da571961838744ea2137f176bfe6a48b21294cae9c76"


class TheProfile(unittest.TestCase):
    def test_is_the_default_and_io_uring(self):
        profile = json.loads(PROFILE.read_text(encoding="utf-8"))
        added = profile["syscalls"].pop()
        self.assertEqual(
            added,
            {
                "names": ["io_uring_enter", "io_uring_register", "io_uring_setup"],
                "action": "SCMP_ACT_ALLOW",
            },
        )
        rest = json.dumps(profile, indent="\t").encode()
        self.assertEqual(hashlib.sha256(rest).hexdigest(), DEFAULT_SHA256)


if __name__ == "__main__":
    unittest.main()
