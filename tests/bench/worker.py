# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measured programs that stay, and taking turns between them."""
import statistics
import subprocess


class Failed(Exception):
    """A measured program ended, or refused."""


class Worker:
    def __init__(self, name, argv):
        self.name = name
        self.samples = []
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, bufsize=1)
        self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            error = self.process.stderr.read().strip()
            self.process.wait()
            raise Failed(
                f"{self.name}: {error.splitlines()[-1] if error else 'ended without a word'}")
        return line.strip()

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.answer()

    def run(self, n, keep=True):
        got = [int(x) / 1000 for x in self.ask(f"run {n}").split()]
        if keep:
            self.samples += got
        return got

    def close(self):
        self.process.stdin.close()
        if self.process.wait(timeout=60):
            raise Failed(f"{self.name}: {self.process.stderr.read().strip()}")
        self.process.stdout.close()
        self.process.stderr.close()


def interleave(workers, rounds, block):
    """Blocks of each in turn, A B A B, after one block that does not count."""
    for w in workers:
        w.run(min(block, 5), keep=False)
    for i in range(rounds):
        for w in workers if i % 2 == 0 else reversed(workers):
            w.run(block)


def median(samples):
    return statistics.median(samples)


def quantile(samples, q):
    return sorted(samples)[int(len(samples) * q)]
