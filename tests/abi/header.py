# SPDX-License-Identifier: LGPL-2.1-or-later
"""The public headers, alone, as strict C99 and C++11, by each compiler there is."""
import os
import shutil
import sys
import tempfile

from tap import Tap, succeeds

SOURCE, BUILD = sys.argv[1:3]
INCLUDES = ["-I", os.path.join(SOURCE, "include"), "-I", os.path.join(BUILD, "include")]
STRICT = [
    "-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wundef", "-fsyntax-only"
]
C = [("gcc", "c99"), ("gcc", "c11"), ("gcc", "c17"), ("clang", "c99"), ("clang", "c11")]
CXX = [("g++", "c++11"), ("g++", "c++17"), ("g++", "c++20"), ("clang++", "c++11"),
       ("clang++", "c++17")]
# every initializer is used, so that it is seen to be complete and of the right types
USE = """#include <contain/{header}>
#include <contain/{header}>
{more}
"""
INITS = """
void use(void);
void use(void)
{
	ct_new_opts a = CT_NEW_OPTS_INIT; ct_key_info b = CT_KEY_INFO_INIT; ct_mount c = CT_MOUNT_INIT;
	ct_start_opts d = CT_START_OPTS_INIT; ct_attach_opts e = CT_ATTACH_OPTS_INIT; ct_exit f = CT_EXIT_INIT;
	ct_create_opts g = CT_CREATE_OPTS_INIT;
	(void)a; (void)b; (void)c; (void)d; (void)e; (void)f; (void)g;
}
"""

tap = Tap()
with tempfile.TemporaryDirectory() as tmp:
    for compiler, std in C + CXX:
        plus = "++" in compiler
        for header in ("contain.h", "errors.h", "version.h"):
            name = f"{header} as {std} by {compiler}"
            if not shutil.which(compiler):
                tap.skip(name, f"no {compiler}")
                continue
            path = os.path.join(tmp, f"t.{'cc' if plus else 'c'}")
            with open(path, "w", encoding="ascii") as f:
                f.write(
                    USE.format(header=header,
                               more=INITS if header == "contain.h" else "typedef int not_empty;"))
            extra = ["-Wold-style-cast", "-Wzero-as-null-pointer-constant"
                     ] if plus and header != "contain.h" else []
            strict = STRICT + ([] if plus else
                               ["-Wstrict-prototypes", "-Wmissing-prototypes", "-Wc++-compat"])
            tap.check(name, succeeds([compiler, f"-std={std}", *strict, *extra, *INCLUDES, path]))
tap.done()
