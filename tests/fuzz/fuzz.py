#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a libFuzzer target for CT_FUZZ_SECONDS (10; with tests/run --long 120) from its corpus,
which stays as it is: fuzz.py PROGRAM CORPUS."""
import os
import subprocess
import sys
import tempfile


def main():
    program, corpus = sys.argv[1:]
    seconds = os.environ.get("CT_FUZZ_SECONDS", "120" if os.environ.get("CT_LONG") else "10")
    with tempfile.TemporaryDirectory(prefix="ct-fuzz-") as new:
        r = subprocess.run([
            program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1024",
            "-print_final_stats=1", f"-artifact_prefix={os.path.dirname(program)}/", new, corpus
        ], check=False)
    return r.returncode


if __name__ == "__main__":
    sys.exit(main())
