# SPDX-License-Identifier: GPL-3.0-or-later
"""What perf/run is made of: process (start, pin, read), contender (who is measured), row (one
measurement), report (numbers to a table)."""
