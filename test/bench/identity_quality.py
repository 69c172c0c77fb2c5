#!/usr/bin/env python3
"""identity_quality.py FILE [TYPE...]: the identity function, plainly.

What src/identity/identity.h promises, over the events of gen_identity.py and
without the identifiers of the TYPEs, written to be read and with nothing of
cdp in it: no increments, no profile ids, one pass over everything.  Prints the
figures that identity_quality.sh prints of the store; --profiles PATH writes
the profile of each event, named by the first event in it, to be compared with
the store's.
"""
import argparse
import re
from collections import defaultdict

TYPES = ["user_id", "crm_id", "email", "phone", "device_id", "anonymous_id"]
LIMIT = {"user_id": 1, "crm_id": 1, "email": 5, "phone": 3, "device_id": 5}
EMPTY = {"null", "(null)", "none", "nil", "n/a", "na", "nan", "-1", "undefined",
         "unknown", "anonymous", "guest", "test", "true", "false", "[object object]"}
JUNK_MAIL = re.compile(
    "^(a|aa|x|xx|abc|anonymous|asdf|example|fake|guest|na|nil|no|noemail|nomail|"
    "no-email|none|nobody|null|test|tester|testing|undefined|unknown|user|"
    "no-?reply|do-?not-?reply|info|office|contact|hello|mail|admin|sales)@")


def normalise(kind, value):
    """The canonical value; None if it is none."""
    value = value.strip()
    if kind == "email":
        return value.lower() if value.count("@") == 1 else None
    if kind == "phone":
        digits = re.sub("[^0-9]", "", value)
        return "+" + digits if value[:1] == "+" and len(digits) == 11 else None
    if re.fullmatch("[0-9a-fA-F-]{36}", value):
        return value.lower()
    return value or None


def is_blocked(kind, value):
    value = value.lower()
    return (value in EMPTY or re.fullmatch("[0-]*", value) is not None
            or kind == "email" and JUNK_MAIL.match(value) is not None
            or kind == "phone" and re.fullmatch(r"\+[0-9]{1,3}([0-9])\1{4,}", value) is not None)


class Parts:
    """Union-find; the least node of a part stands for it."""

    def __init__(self, count):
        self.parent = list(range(count))

    def find(self, node):
        while self.parent[node] != node:
            self.parent[node] = self.parent[self.parent[node]]
            node = self.parent[node]
        return node

    def join(self, a, b):
        a, b = self.find(a), self.find(b)
        if a != b:
            self.parent[max(a, b)] = min(a, b)


def read(path, without):
    """Nodes in order of (type, value), and events as (time, nodes, person)."""
    events, codes = [], {}
    with open(path, encoding="utf-8") as lines:
        names = next(lines).rstrip("\n").split("\t")
        columns = [(names.index(kind), TYPES.index(kind)) for kind in TYPES if kind not in without]
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            keys = set()
            for column, kind in columns:
                value = fields[column] and normalise(TYPES[kind], fields[column])
                if value:
                    keys.add(codes.setdefault((kind, value), len(codes)))
            events.append((int(fields[1]), keys, int(fields[-1])))
    order = sorted(codes)
    place = {codes[key]: position for position, key in enumerate(order)}
    return order, [(at, tuple(sorted(place[code] for code in keys)), person)
                   for at, keys, person in events]


def find_links(order, events, strong, max_strong=1):
    """The links {a, b}: first seen; and which identifiers link at all."""
    usable = [not is_blocked(TYPES[kind], value) for kind, value in order]
    beside = defaultdict(set)
    sets = {}
    for at, nodes, _ in events:
        if nodes not in sets or at < sets[nodes]:
            sets[nodes] = at
    for nodes in sets:
        for one in nodes:
            if usable[one] and order[one][0] in strong:
                for weak in nodes:
                    if usable[weak] and order[weak][0] not in strong:
                        beside[weak, order[one][0]].add(one)
    links_at_all = list(usable)
    for (weak, _), ones in beside.items():
        if len(ones) > max_strong:
            links_at_all[weak] = False
    links = {}
    for nodes, at in sets.items():
        linking = [node for node in nodes if links_at_all[node]]
        for other in linking[1:]:
            link = (linking[0], other)
            links[link] = min(at, links.get(link, at))
    return usable, links_at_all, links


def count_kinds(order, nodes):
    counts = defaultdict(int)
    for node in nodes:
        counts[order[node][0]] += 1
    return counts


def partition(order, usable, links_at_all, links):
    """The parts, the refused links, the largest replayed component."""
    parts = Parts(len(order))
    for a, b in links:
        parts.join(a, b)
    whole = defaultdict(list)
    for node in range(len(order)):
        if links_at_all[node]:
            whole[parts.find(node)].append(node)
    limits = {TYPES.index(kind): limit for kind, limit in LIMIT.items()}
    broken = {top: nodes for top, nodes in whole.items()
              if any(count > limits.get(kind, count)
                     for kind, count in count_kinds(order, nodes).items())}
    # Replay: only broken components, link by link, from nothing.
    of_top = defaultdict(list)
    for (a, b), at in links.items():
        top = parts.find(a)
        if top in broken:
            of_top[top].append((max(order[a][0], order[b][0]), at, a, b))
    counts = {}
    for nodes in broken.values():
        for node in nodes:
            parts.parent[node] = node
            counts[node] = {order[node][0]: 1} if order[node][0] in limits else {}
    refused = []
    for replayed in of_top.values():
        for rank, at, a, b in sorted(replayed):
            left, right = parts.find(a), parts.find(b)
            if left == right:
                continue
            if any(kind in counts[right] and count + counts[right][kind] > limits[kind]
                   for kind, count in counts[left].items()):
                refused.append((a, b))
                continue
            parts.join(left, right)
            for kind, count in counts.pop(max(left, right)).items():
                into = counts[min(left, right)]
                into[kind] = into.get(kind, 0) + count
    return parts, refused, max((len(nodes) for nodes in broken.values()), default=0), len(broken)


def choose_owner(nodes, usable, links_at_all):
    """The strongest identifier that links, else the strongest shared one."""
    owners = [node for node in nodes if usable[node]]
    return min(owners, key=lambda node: (not links_at_all[node], node), default=None)


def pairs(counts):
    return sum(count * (count - 1) // 2 for count in counts)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("file")
    arguments.add_argument("without", nargs="*", metavar="type")
    arguments.add_argument("--profiles")
    given = arguments.parse_args()
    order, events = read(given.file, given.without)
    strong = {kind for kind, _ in order if TYPES[kind] in ("user_id", "crm_id")} or {TYPES.index("email")}
    usable, links_at_all, links = find_links(order, events, strong)
    parts, refused, largest_replayed, broken = partition(order, usable, links_at_all, links)

    found, cells, persons, profile_size = (defaultdict(int) for _ in range(4))
    owned = []
    for number, (_, nodes, person) in enumerate(events):
        owner = choose_owner(nodes, usable, links_at_all)
        profile = ("none", number) if owner is None else parts.find(owner)
        found[profile] += 1
        cells[profile, person] += 1
        persons[person] += 1
        owned.append(profile)
    for node in range(len(order)):
        if usable[node]:
            profile_size[parts.find(node)] += 1
    both, said, true = pairs(cells.values()), pairs(found.values()), pairs(persons.values())
    precision, recall = both / said, both / true
    print("precision %.4f recall %.4f F1 %.4f" %
          (precision, recall, 2 * both / (said + true)))
    print("largest profile: events", max(found.values()), "identifiers", max(profile_size.values()))
    print("profiles", len(profile_size), "with events", len(found), "persons", len(persons))
    print("shared", sum(usable) - sum(links_at_all), "refused links", len(refused),
          "broken components", broken, "largest", largest_replayed)
    if given.profiles:
        least = {}
        for number, profile in enumerate(owned):
            least.setdefault(profile, number)
        with open(given.profiles, "w", encoding="utf-8") as out:
            for number, profile in enumerate(owned):
                out.write("%d\t%d\n" % (number, least[profile]))


main()
