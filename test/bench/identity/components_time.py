#!/usr/bin/env python3
"""components_time.py: time statements in a backend of their own.

Usage: components_time.py DATABASE RUNS SECONDS [-s SETTING=VALUE]... STATEMENT

Runs the statement once to warm up and RUNS times more, or once only if that
takes more than 10 s, and prints one line, separated by "|":

	median, least and most CPU seconds of the backend; median wall seconds;
	the most private memory that the backend took above what it had (MB);
	the first row of the last result

CPU time is the scheduler's own count (/proc/PID/schedstat), so that other
jobs of the machine count little.  After SECONDS of it the statement is
cancelled and its times are ">SECONDS".
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


class Watch(threading.Thread):
    """Notes the most memory of a backend, and cancels what takes too long."""

    def __init__(self, backend, database, seconds):
        super().__init__(daemon=True)
        self.backend, self.database, self.seconds = backend, database, seconds
        self.before = self.peak = backend.memory()
        self.started = None
        self.start()

    def run(self):
        while True:
            time.sleep(0.01)
            self.peak = max(self.peak, self.backend.memory())
            started = self.started
            if started is not None and self.backend.cpu() - started > self.seconds:
                self.started = None
                subprocess.run(
                    ["psql", "-XAtq", "-d", self.database, "-c",
                     f"SELECT pg_cancel_backend({self.backend.pid})"],
                    stdout=subprocess.DEVNULL, check=True)

    def memory(self):
        return f"{max(0.0, self.peak - self.before):.1f}"


def main():
    arguments = sys.argv[1:]
    database, runs, seconds = arguments[0], int(arguments[1]), float(arguments[2])
    arguments = arguments[3:]
    backend = Backend(database)
    backend.ask("SET client_min_messages = warning;")
    while arguments[0] == "-s":
        name, value = arguments[1].split("=", 1)
        backend.ask(f"SET {name} = '{value}';")
        arguments = arguments[2:]
    statement = arguments[0].rstrip().rstrip(";") + ";"
    cpus, walls, rows = [], [], []
    watch = Watch(backend, database, seconds)
    for run in range(runs + 1):
        cpu, wall = backend.cpu(), time.monotonic()
        watch.started = cpu
        rows = backend.ask(statement)
        watch.started = None
        wall, cpu = time.monotonic() - wall, backend.cpu() - cpu
        if any("canceling statement" in row for row in rows):
            print("|".join([f">{seconds:.0f}"] * 3 + [f">{wall:.0f}", watch.memory(), ""]))
            return
        if any(row.startswith(("ERROR", "FATAL")) for row in rows):
            raise SystemExit("\n".join(rows))
        if run > 0 or cpu > 10:
            cpus.append(cpu)
            walls.append(wall)
        if cpu > 10:
            break
    print("|".join([f"{statistics.median(cpus):.3f}", f"{min(cpus):.3f}",
                    f"{max(cpus):.3f}", f"{statistics.median(walls):.3f}",
                    watch.memory(), rows[0] if rows else ""]))


main()
