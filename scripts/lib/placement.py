"""Placement, written a second time: which nodes own which partition, by the plainest code that does it.

It shares nothing with Sources/Cluster/Placement but what docs/cluster.md says. The vectors of the Swift tests come from
here, so the two check each other:

    python3 scripts/lib/placement.py vectors > Tests/ClusterTests/Vectors/placement.json
    python3 scripts/lib/placement.py example       the worked example of docs/cluster.md

Needs libxxhash, which Tribe needs too.
"""
import ctypes
import json
import sys
from fractions import Fraction

PARTITIONS = 1024
JOB_PARTITIONS = 16
LOG_BITS = 46

_xxhash = ctypes.CDLL("libxxhash.so.0").XXH3_64bits_withSeed
_xxhash.restype = ctypes.c_uint64
_xxhash.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]


def xxh3(data, seed=0):
    return _xxhash(data, len(data), seed)


def millionths(weight):
    return max(1, int(float(weight) * 1_000_000 + 0.5))


def negated_log2(u):
    """-log2(u / 2^64) in units of 2^-46, digit by digit."""
    exponent = u.bit_length() - 1
    mantissa = u << (63 - exponent)  # 1 to 2, times 2^63
    digits = 0
    for _ in range(LOG_BITS):
        mantissa = mantissa * mantissa >> 63
        digits *= 2
        if mantissa >> 64:
            digits += 1
            mantissa >>= 1
    return ((64 - exponent) << LOG_BITS) - digits


def scores(node, count, seed):
    hashes = [xxh3(p.to_bytes(2, "little") + node["id"].encode(), seed) for p in range(count)]
    stratum = 2**64 // count
    result = [0.0] * count
    for rank, p in enumerate(sorted(range(count), key=lambda p: (hashes[p], p))):
        u = (rank * stratum + hashes[p] % stratum) | 1
        result[p] = negated_log2(u) / millionths(node["weight"])
    return result


def cap(mean):
    ceiling = -(-mean.numerator // mean.denominator)
    return max(ceiling, int(mean * Fraction(11, 10)))


def caps(nodes, owners):
    """Of primaries and of copies, by node."""
    weights = [millionths(node["weight"]) for node in nodes]
    everything = set()
    while True:
        rest = sum(w for i, w in enumerate(weights) if i not in everything)
        left = PARTITIONS * (owners - len(everything))
        more = {i for i, w in enumerate(weights) if i not in everything and left * w >= PARTITIONS * rest}
        if not more:
            break
        everything |= more
    result = []
    for i, weight in enumerate(weights):
        primaries = Fraction(PARTITIONS * weight, sum(weights))
        held = Fraction(PARTITIONS) if i in everything else Fraction(left * weight, rest)
        result.append((cap(primaries), cap(held - primaries)))
    return result


def zones_of(nodes):
    return [("zone", node["zone"]) if node.get("zone") else ("node", node["id"]) for node in nodes]


class Table:
    def __init__(self, nodes, replicas, seed):
        self.nodes = sorted(nodes, key=lambda node: node["id"])
        self.places = range(len(nodes))
        self.count = min(replicas, len(nodes))
        self.scores = [scores(node, PARTITIONS, seed) for node in self.nodes]
        self.caps = caps(self.nodes, self.count)
        self.zones = zones_of(self.nodes)
        self.zone_max = -(-self.count // len(set(self.zones)))
        self.claims = [sorted(self.places, key=lambda n: (self.scores[n][p], n)) for p in range(PARTITIONS)]
        self.owners = [set() for _ in range(PARTITIONS)]
        self.choose()
        self.primary = [min(self.owners[p], key=lambda n: (self.scores[n][p], n)) for p in range(PARTITIONS)]
        self.assign_roles()
        self.order = []
        for p in range(PARTITIONS):
            copies = [n for n in self.claims[p] if n in self.owners[p] and n != self.primary[p]]
            others = [n for n in self.claims[p] if n not in self.owners[p]]
            self.order.append([self.primary[p]] + copies + others)

    # Who owns what

    def held(self, n):
        return [p for p in range(PARTITIONS) if n in self.owners[p]]

    def has_room(self, n):
        return len(self.held(n)) < sum(self.caps[n])

    def fits(self, n, p, instead_of=None, zones=True):
        others = self.owners[p] - {instead_of}
        alike = sum(self.zones[other] == self.zones[n] for other in others)
        return n not in self.owners[p] and (not zones or alike < self.zone_max)

    def choose(self):
        load = [0 for _ in self.places]
        for _, p, n in sorted((self.scores[n][p], p, n) for n in self.places for p in range(PARTITIONS)):
            if len(self.owners[p]) < self.count and load[n] < sum(self.caps[n]) and self.fits(n, p):
                self.owners[p].add(n)
                load[n] += 1
        for zones in (True, False):
            closed = set()
            for p in range(PARTITIONS):
                while len(self.owners[p]) < self.count and self.make_room(p, zones, closed):
                    pass
        for p in range(PARTITIONS):
            for n in self.claims[p]:
                if len(self.owners[p]) < self.count:
                    self.owners[p].add(n)

    def make_room(self, wanting, zones, closed):
        """A breadth-first search; each way is kept whole: [(node, what it gets), ...]."""
        ways = [[(n, wanting)] for n in self.claims[wanting] if n not in closed and self.fits(n, wanting, zones=zones)]
        seen = {way[-1][0] for way in ways}
        for way in ways:
            giver = way[-1][0]
            if self.has_room(giver):
                for taken_by, p in way:
                    self.owners[p].add(taken_by)
                for (gives, _), (_, p) in zip(way, way[1:]):
                    self.owners[p].remove(gives)
                return True
            for p in sorted(self.held(giver), key=lambda p: (self.scores[giver][p], p), reverse=True):
                for n in self.claims[p]:
                    if n not in seen and n not in closed and self.fits(n, p, giver, zones):
                        seen.add(n)
                        ways.append(way + [(n, p)])
        closed |= seen
        return False

    # Who is primary

    def assign_roles(self):
        for n in self.places:
            while self.primaries(n) > self.caps[n][0] and self.pass_on(n):
                pass
            while self.primaries(n) < self.least(n) and self.fetch(n):
                pass

    def primaries(self, n):
        return self.primary.count(n)

    def least(self, n):
        return len(self.held(n)) - self.caps[n][1]

    def pass_on(self, first):
        def hops(giver):
            mine = [p for p in range(PARTITIONS) if self.primary[p] == giver]
            for p in sorted(mine, key=lambda p: (self.scores[giver][p], p), reverse=True):
                for n in self.claims[p]:
                    if n in self.owners[p] and n != giver:
                        yield n, p, n

        return self.walk(first, hops, lambda n: self.primaries(n) < self.caps[n][0])

    def fetch(self, first):
        def hops(asker):
            copies = [p for p in self.held(asker) if self.primary[p] != asker]
            for p in sorted(copies, key=lambda p: (self.scores[asker][p], p)):
                yield self.primary[p], p, asker

        return self.walk(first, hops, lambda n: self.primaries(n) > self.least(n))

    def walk(self, first, hops, is_end):
        """Passes roles along the shortest chain. A hop: (next node, partition, its new primary)."""
        ways, seen = [[]], {first}
        for way in ways:
            at = way[-1][0] if way else first
            if way and is_end(at):
                for _, p, n in way:
                    self.primary[p] = n
                return True
            for hop in hops(at):
                if hop[0] not in seen:
                    seen.add(hop[0])
                    ways.append(way + [hop])
        return False

    # What it comes to

    def home(self, p):
        return self.order[p][: self.count]

    def present(self, p, absent=()):
        return [n for n in self.order[p] if self.nodes[n]["id"] not in absent][: self.count]

    def epoch(self, absent=()):
        data = b"".join(node["id"].encode() + b"\0" for node in self.nodes)
        data += bytes([self.count, len(self.present(0, absent))])
        for p in range(PARTITIONS):
            for n in self.home(p) + self.present(p, absent):
                data += n.to_bytes(2, "little")
        return max(1, xxh3(data) % 2**53)


def job_table(nodes, replicas, seed):
    nodes = sorted(nodes, key=lambda node: node["id"])
    seed = xxh3(b"jobs", seed)
    strength = [scores(node, JOB_PARTITIONS, seed) for node in nodes]
    zones = zones_of(nodes)
    count = min(replicas, len(nodes))
    table = []
    for p in range(JOB_PARTITIONS):
        chosen = []
        claims = sorted(range(len(nodes)), key=lambda n: (strength[n][p], n))
        for most in (-(-count // len(set(zones))), count):
            for n in claims:
                alike = sum(zones[other] == zones[n] for other in chosen)
                if len(chosen) < count and n not in chosen and alike < most:
                    chosen.append(n)
        table.append(chosen)
    return table


# Vectors

def roster(count, weights=(1,), zones=(None,)):
    return [
        {"id": f"n{i + 1}", "weight": weights[i % len(weights)], "zone": zones[i % len(zones)]} for i in range(count)
    ]


ROSTERS = [
    ("one node", "tribe", 2, roster(1), []),
    ("two nodes", "tribe", 2, roster(2), ["n1"]),
    ("three nodes", "tribe", 2, roster(3), ["n2"]),
    ("three nodes of another cluster", "überall", 3, roster(3), ["n1", "n2", "n3"]),
    ("four nodes", "tribe", 2, roster(4), []),
    ("more replicas than nodes", "tribe", 5, roster(3), ["n3"]),
    ("weights", "tribe", 2, roster(5, weights=(1, 2, 0.5, 1.25, 0.333333)), ["n2", "n4"]),
    ("a weight beyond its share of copies", "tribe", 3, roster(4, weights=(100, 1, 1, 0.01)), ["n1"]),
    ("three zones", "tribe", 3, roster(7, zones=("a", "b", "c")), ["n1", "n4"]),
    ("a zone too small", "tribe", 2, roster(5, zones=("a", "b", "b", "b", "b")), ["n1"]),
    ("some without a zone, and weights", "tribe", 3, roster(8, weights=(1, 3), zones=("a", "a", None)), ["n8"]),
    ("ten nodes", "shop-7", 2, roster(10), ["n10", "n9"]),
    ("no slack: the mean is the cap", "tribe", 2, roster(32, zones=("a", "b", "c", "d")), ["n5"]),
    ("no slack, 64 nodes", "tribe", 1, roster(64), []),
    ("fifty nodes", "tribe", 2, roster(50), ["n17", "n18"]),
]


def vector(note, cluster, replicas, nodes, absent):
    seed = xxh3(cluster.encode())
    table = Table(nodes, replicas, seed)
    jobs = job_table(nodes, 3, seed)
    # The home owners of a partition, places of nodes sorted by id, two hexadecimal digits each.
    home = ["".join(f"{n:02x}" for n in table.home(p)) for p in range(PARTITIONS)]
    present = ["".join(f"{n:02x}" for n in table.present(p, absent)) for p in range(PARTITIONS)]
    orders = b"".join(n.to_bytes(2, "little") for order in table.order for n in order)
    return {
        "note": note, "cluster": cluster, "replicas": replicas, "nodes": nodes, "absent": absent,
        "caps": table.caps, "home": " ".join(home), "present": " ".join(present),
        "orders": f"{xxh3(orders):016x}", "epoch": table.epoch(), "epochPresent": table.epoch(absent),
        "jobs": jobs,
    }  # fmt: skip


NOTE = (
    "Placement, made by scripts/lib/placement.py. home, present: the owners of each of the 1024 partitions, primary"
    " first, as places of the nodes sorted by id, two hexadecimal digits each; present without the nodes in absent."
    " orders: XXH3 of all places of all orders, two bytes each, little-endian. jobs: by job partition, three replicas."
)


def vectors():
    lines = ",\n".join("  " + json.dumps(vector(*entry), ensure_ascii=False) for entry in ROSTERS)
    return f'{{"note": {json.dumps(NOTE)},\n "rosters": [\n{lines}\n]}}\n'


# The worked example

def counts(table, absent=()):
    """Primaries and copies of each node."""
    owners = [table.present(p, absent) for p in range(PARTITIONS)]
    lines = []
    for n, node in enumerate(table.nodes):
        primaries = sum(o[:1] == [n] for o in owners)
        copies = sum(n in o[1:] for o in owners)
        lines.append(f"{node['id']}  {primaries:4} primary  {copies:4} copy")
    return lines


def moved(before, after):
    """Copies that somebody has to fetch, and primaries that change, between two lists of owners by id."""
    fetched = sum(len(set(b) - set(a)) for a, b in zip(before, after))
    primaries = sum(a[0] != b[0] for a, b in zip(before, after))
    return fetched, primaries


def example():
    seed = xxh3(b"tribe")
    three, four = Table(roster(3), 2, seed), Table(roster(4), 2, seed)

    def by_id(table, absent=()):
        return [[table.nodes[n]["id"] for n in table.present(p, absent)] for p in range(PARTITIONS)]

    def show(title, table, absent, before):
        print(title)
        for line in counts(table, absent):
            print("   ", line)
        owners = by_id(table, absent)
        if before:
            print("    copies to fetch: %d; primaries that change: %d" % moved(before, owners))
        print("    partitions 0 to 3: " + ", ".join(" ".join(o) for o in owners[:4]))
        print(f"    epoch {table.epoch(absent)}")
        return owners

    all_three = show("n1, n2 and n3", three, (), None)
    show("n2 is unreachable", three, ("n2",), all_three)
    show("n2 is back, and n4 in the roster", four, (), all_three)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["vectors"]:
            sys.stdout.write(vectors())
        case ["example"]:
            example()
        case _:
            sys.exit(__doc__)
