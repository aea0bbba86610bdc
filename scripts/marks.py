# SPDX-License-Identifier: LGPL-2.1-or-later
"""A page whose tables a script makes, between two marks."""
import sys


def between(text, begin, end, new):
    """The text with what stands between the marks anew. ValueError: it lacks them."""
    before, _begin, rest = text.partition(begin)
    _old, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"no marks: {begin.strip()}, {end.strip()}")
    return before + begin + new + end + after


def rewrite(page):
    """Makes the page that the command line names anew."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} PAGE")
    with open(sys.argv[1], encoding="utf-8") as f:
        old = f.read()
    try:
        new = page(old)
    except ValueError as e:
        sys.exit(f"{sys.argv[1]}: {e}")
    if new != old:
        with open(sys.argv[1], "w", encoding="utf-8") as f:
            f.write(new)
