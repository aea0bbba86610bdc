#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the public error constants, the name table and the error page from doc/errors.yaml."""
import re
import sys

ROW = re.compile(r"^- \{id: (\d+), name: ([A-Z_]+), text: (.+)\}$")
LICENSE = ("/* SPDX-License-Identifier: LGPL-2.1-or-later */\n"
           "/* Generated from doc/errors.yaml. */\n")


def read(path):
    rows, seen = [], set()
    for nr, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.rstrip()
        if not line or line.startswith("#"):
            continue
        m = ROW.match(line)
        if not m:
            sys.exit(f"{path}:{nr}: not a row: {line}")
        row = (int(m[1]), m[2], m[3])
        if row[0] in seen or any(r[1] == row[1] for r in rows):
            sys.exit(f"{path}:{nr}: number or name used before")
        seen.add(row[0])
        rows.append(row)
    return rows


def header(rows):
    out = LICENSE + "#ifndef CONTAIN_ERRORS_H\n#define CONTAIN_ERRORS_H\n\n"
    for nr, name, text in rows:
        out += f"#define CT_ERR_{name} {nr} /* {text} */\n"
    return out + "\n#endif\n"


def table(rows):
    return LICENSE + "".join(f'CT_ERROR_ROW({nr}, "CT_ERR_{name}", "{text}")\n'
                             for nr, name, text in rows)


def page(rows):
    out = (
        "# Errors\n\nGenerated from `errors.yaml`; `ct_error_name()` gives the name of a "
        "number.\n\n"
        "| number | name | meaning |\n| --- | --- | --- |\n")
    return out + "".join(f"| {nr} | `CT_ERR_{name}` | {text} |\n" for nr, name, text in rows)


KINDS = {"--header": header, "--table": table, "--page": page}

if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in KINDS:
        sys.exit("usage: gen-errors.py --header|--table|--page ERRORS.yaml OUT")
    with open(sys.argv[3], "w", encoding="utf-8") as f:
        f.write(KINDS[sys.argv[1]](read(sys.argv[2])))
