#!/usr/bin/env python3
"""components_time.py: time statements in a backend of their own.

Usage: components_time.py DATABASE RUNS SECONDS [-s SETTING=VALUE]... STATEMENT

Runs the statement once to warm up and RUNS times more, and prints one line,
separated by "|":

	median, least and most CPU seconds of the backend; median wall seconds;
	the most private memory that the backend took above what it had (MB);
	the first row of the last result

CPU time is the scheduler's own count (/proc/PID/schedstat), so that other
jobs of the machine count little.  After SECONDS the statement is cancelled
and every figure is ">SECONDS".
"""
import statistics
import subprocess
import sys
import threading
import time


class Backend:
    def __init__(self, database):
        self.psql = subprocess.Popen(
            ["psql", "-XAtq", "-F", " ", "-d", database], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.pid = int(self.ask("SELECT pg_backend_pid();")[0])

    def ask(self, statement):
        self.psql.stdin.write(statement + "\n\\echo <done>\n")
        self.psql.stdin.flush()
        lines = []
        for line in self.psql.stdout:
            if line == "<done>\n":
                return lines
            lines.append(line.rstrip("\n"))
        raise SystemExit("psql ended: " + "\n".join(lines))

    def cpu(self):
        with open(f"/proc/{self.pid}/schedstat") as file:
            return int(file.read().split()[0]) / 1e9

    def memory(self):
        with open(f"/proc/{self.pid}/status") as file:
            for line in file:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) / 1024
        return 0.0


def watch(backend, stop, peak):
    while not stop.wait(0.01):
        peak[0] = max(peak[0], backend.memory())


def main():
    arguments = sys.argv[1:]
    database, runs, seconds = arguments[0], int(arguments[1]), float(arguments[2])
    arguments = arguments[3:]
    backend = Backend(database)
    backend.ask("SET client_min_messages = warning;")
    backend.ask(f"SET statement_timeout = '{int(seconds)}s';")
    while arguments[0] == "-s":
        name, value = arguments[1].split("=", 1)
        backend.ask(f"SET {name} = '{value}';")
        arguments = arguments[2:]
    statement = arguments[0].rstrip().rstrip(";") + ";"
    cpus, walls, rows = [], [], []
    before = backend.memory()
    peak, stop = [before], threading.Event()
    threading.Thread(target=watch, args=(backend, stop, peak), daemon=True).start()
    for run in range(runs + 1):
        cpu, wall = backend.cpu(), time.monotonic()
        rows = backend.ask(statement)
        wall, cpu = time.monotonic() - wall, backend.cpu() - cpu
        if any("statement timeout" in row for row in rows):
            print("|".join([f">{seconds:.0f}"] * 4 + [f"{peak[0] - before:.1f}", ""]))
            return
        if any(row.startswith(("ERROR", "FATAL")) for row in rows):
            raise SystemExit("\n".join(rows))
        # A slow statement needs no warming up.
        if run > 0 or cpu > 10:
            cpus.append(cpu)
            walls.append(wall)
        if len(cpus) == runs:
            break
    stop.set()
    print("|".join([f"{statistics.median(cpus):.3f}", f"{min(cpus):.3f}",
                    f"{max(cpus):.3f}", f"{statistics.median(walls):.3f}",
                    f"{max(0.0, peak[0] - before):.1f}", rows[0] if rows else ""]))


main()
