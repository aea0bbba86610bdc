# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tiers: one row each. A tier runs the tests of some meson suites out of one build."""
import os
from dataclasses import dataclass, field

# builds: suffix of the directory, options for meson, environment of the configuration
BUILDS = {
    "plain": ("", ["-Dwerror=true"], {}),
    "asan": ("-asan", ["-Dwerror=true", "-Db_sanitize=address,undefined", "-Db_lundef=false"], {}),
    "weak": ("-weak", ["-Dwerror=true", "-Dweaknesses=true", "-Dtools=false"], {}),
    "tsan": ("-tsan", ["-Dwerror=true", "-Db_sanitize=thread", "-Db_lundef=false"], {}),
    "clang": ("-clang", ["-Dwerror=true", "-Dfuzz=true",
                         "-Db_lundef=false"], {"CC": "clang", "CXX": "clang++"}),
    "release": ("-release", ["--buildtype=release", "-Dwerror=true"], {}),
}


@dataclass
class Build:
    dir: str
    options: list
    env: dict


@dataclass
class Tier:
    name: str
    suites: tuple
    build: str = "plain"
    # starts containers: own TMPDIR, orphan check, leak check over the run
    touches_host: bool = False
    as_user: bool = False           # run as an ordinary user
    slower: int = 1                 # factor for time limits
    # runs beside all the others: it has machines of its own, and only processor time in
    # common with them
    beside: bool = False
    env: dict = field(default_factory=dict)

    def builds(self, base):
        suffix, options, env = BUILDS[self.build]
        return [Build(base + suffix, options, env)]

    def cannot_run(self):
        if (self.touches_host or self.as_user) and os.geteuid() != 0:
            return "needs root"
        return ""


SANITIZE = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=98:"
                    "detect_stack_use_after_return=0:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=98",
    "LSAN_OPTIONS": "exitcode=98",
    "CT_SANITIZED": "address",
}

TABLE = [
    Tier("unit", ("unit",)),
    Tier("plan", ("plan",)),
    Tier("abi", ("abi",)),
    Tier("house", ("house",)),
    Tier("root", ("root",), touches_host=True),
    Tier("user", ("user",), touches_host=True, as_user=True),
    Tier("scenario", ("scenario",), touches_host=True),
    Tier("peers", ("peers",), touches_host=True),
    Tier("fault", ("fault",), touches_host=True),
    Tier("cve", ("cve",), touches_host=True),
    Tier("cve-weak", ("cve-weak",), build="weak", touches_host=True),
    Tier("vm", ("vm",), touches_host=True, beside=True),
    Tier("fuzz", ("fuzz",), build="clang"),
    Tier("sanitize", ("unit", "plan", "root"), build="asan", touches_host=True, slower=4,
         env=SANITIZE),
    Tier("tsan", ("threads",), build="tsan", touches_host=True, slower=6,
         env={"TSAN_OPTIONS": "halt_on_error=1:exitcode=98", "CT_SANITIZED": "thread"}),
    Tier("bench", ("bench",), build="release", touches_host=True),
]
ALL = {t.name: t for t in TABLE}
NOT_BY_DEFAULT = ("bench",)
# suites that are only marks, not tiers
MARKS = ("threads", "no-sanitize")
