# SPDX-License-Identifier: LGPL-2.1-or-later
"""A report in TAP, each line of it printed at once: a program here may take long, or be stopped."""
rows = []


def check(name, good, *said):
    rows.append(bool(good))
    print(f"{'' if good else 'not '}ok {len(rows)} - {name}", flush=True)
    for line in [line for text in said for line in str(text).splitlines()] if not good else ():
        print(f"# {line}")


def skip(name, why):
    rows.append(True)
    print(f"ok {len(rows)} - {name} # SKIP {why}", flush=True)


def done():
    """Ends the report; the program's exit code."""
    print(f"1..{len(rows)}")
    return int(not all(rows))
