import Cluster

/// A partition as a dictionary, in which one key has one hash. The value is a number, with an end (0: none).
struct NaiveReplicaStore: ReplicaStore {
    private(set) var held: [UInt64: ReplicaEntry] = [:]
    var pressure: UInt8 = 0

    static func put(_ key: UInt64, _ value: UInt64, _ version: Version, expires: UInt64 = 0) -> ReplicaEntry {
        ReplicaEntry(keyHash: key, version: version, content: .put(bytes(value) + bytes(expires)))
    }

    static func delete(_ key: UInt64, _ version: Version) -> ReplicaEntry {
        ReplicaEntry(keyHash: key, version: version, content: .drop(.deleted, leavesMark: true))
    }

    static func bytes(_ number: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }

    static func number(_ bytes: some Sequence<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }

    func value(_ key: UInt64) -> UInt64? {
        guard case .put(let bytes) = held[key]?.content else { return nil }
        return Self.number(bytes.prefix(8))
    }

    private func isMark(_ entry: ReplicaEntry) -> Bool {
        if case .drop = entry.content { true } else { false }
    }

    private static func word(_ entry: ReplicaEntry) -> UInt64 {
        var random = entry.keyHash ^ entry.version.time &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(entry.version.node)
        if case .drop = entry.content { random = ~random }
        random = (random ^ random >> 30) &* 0xBF58_476D_1CE4_E5B9
        return (random ^ random >> 27) &* 0x94D0_49BB_1331_11EB
    }

    var digestRoot: UInt64 { held.values.reduce(0) { $0 ^ Self.word($1) } }

    func digest(of bucket: Int) -> UInt64 {
        held.values.reduce(0) { Int($1.keyHash >> 56) == bucket ? $0 ^ Self.word($1) : $0 }
    }

    func versions(in range: ClosedRange<UInt64>, countMax: Int) -> [HeldVersion] {
        held.values.filter { range.contains($0.keyHash) }.sorted { $0.keyHash < $1.keyHash }.prefix(countMax)
            .map { HeldVersion(keyHash: $0.keyHash, version: $0.version, isMark: isMark($0)) }
    }

    func entries(of keyHashes: [UInt64], bytesMax: Int) -> [ReplicaEntry] {
        Array(keyHashes.compactMap { held[$0] }.prefix(max(1, bytesMax / 40)))
    }

    mutating func apply(_ entry: ReplicaEntry) -> Bool {
        let here = held[entry.keyHash]
        if case .drop(_, leavesMark: false) = entry.content {
            guard let here, !isMark(here), here.version <= entry.version else { return false }
            held[entry.keyHash] = nil
            return true
        }
        guard here.map({ isNewer(entry, than: $0) }) ?? true else { return false }
        held[entry.keyHash] = entry
        return true
    }

    private func isNewer(_ entry: ReplicaEntry, than here: ReplicaEntry) -> Bool {
        guard entry.version == here.version else { return entry.version > here.version }
        switch (entry.content, here.content) {
        case (.put(let value), .put(let other)): return Self.number(value) > Self.number(other)
        case (.drop, .put): return true
        case (_, .drop): return false
        }
    }

    mutating func expire(through wall: UInt64, leavesMarks: Bool) {
        for (key, entry) in held {
            guard case .put(let bytes) = entry.content else { continue }
            let end = Self.number(bytes.suffix(8))
            guard end > 0, end <= wall else { continue }
            held[key] =
                leavesMarks
                ? ReplicaEntry(keyHash: key, version: entry.version, content: .drop(.expired, leavesMark: true)) : nil
        }
    }

    mutating func forgetMarks(through time: UInt64) {
        held = held.filter { !isMark($1) || $1.version.time > time }
    }

    mutating func dropAll() { held = [:] }

    var entryCount: Int { held.values.count { !isMark($0) } }
    var markCount: Int { held.values.count { isMark($0) } }
}
