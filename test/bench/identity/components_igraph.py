#!/usr/bin/env python3
"""components_igraph.py FILE RUNS: components of a CSV of links, by igraph.

Prints as components_time.py does; building the graph from arrays counts,
reading the file does not.
"""
import resource
import statistics
import sys
import time

import igraph
import numpy

links = numpy.loadtxt(sys.argv[1], delimiter=",", dtype=numpy.int64)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
cpus, walls = [], []
for _ in range(int(sys.argv[2])):
    cpu, wall = time.process_time(), time.monotonic()
    graph = igraph.Graph(n=int(links.max()) + 1, edges=links)
    label = numpy.array(graph.connected_components().membership)
    cpus.append(time.process_time() - cpu)
    walls.append(time.monotonic() - wall)
memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
nodes = numpy.unique(links)
smallest = numpy.full(label.max() + 1, numpy.iinfo(numpy.int64).max)
numpy.minimum.at(smallest, label[nodes], nodes)
component = smallest[label[nodes]]
digest = int(((nodes % 100003) * (component % 99991)).sum())
print(f"{statistics.median(cpus):.3f}|{min(cpus):.3f}|{max(cpus):.3f}|"
      f"{statistics.median(walls):.3f}|{memory:.1f}|"
      f"{len(nodes)} {int((nodes == component).sum())} {digest}")
