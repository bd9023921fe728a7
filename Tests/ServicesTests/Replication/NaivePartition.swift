import Cluster

@testable import Services

/// What a `ReplicaStore` is, in a dictionary in which one key has one hash.
struct NaivePartition {
    struct Held: Equatable {
        var version: Version
        /// Nil: a mark.
        var content: [UInt8]?
        var expiresAt: UInt64 = 0
    }

    var held: [UInt64: Held] = [:]

    mutating func apply(_ entry: ReplicaEntry, expiresAt: UInt64, valueHash: ([UInt8]) -> UInt64) -> Bool {
        let here = held[entry.keyHash]
        switch entry.content {
        case .drop(_, leavesMark: false):
            guard let here, here.content != nil, here.version <= entry.version else { return false }
            held[entry.keyHash] = nil
            return true
        case .drop:
            if let here, here.version > entry.version || here.version == entry.version && here.content == nil {
                return false
            }
            held[entry.keyHash] = Held(version: entry.version)
            return true
        case .put(let content):
            if let here {
                guard here.version <= entry.version else { return false }
                if here.version == entry.version {
                    guard let old = here.content, valueHash(content) > valueHash(old) else { return false }
                }
            }
            held[entry.keyHash] = Held(version: entry.version, content: content, expiresAt: expiresAt)
            return true
        }
    }

    mutating func expire(through wall: UInt64, leavesMarks: Bool) {
        for (hash, entry) in held where entry.expiresAt != 0 && entry.expiresAt <= wall {
            held[hash] = leavesMarks ? Held(version: entry.version) : nil
        }
    }

    mutating func forgetMarks(through time: UInt64) {
        held = held.filter { $0.value.content != nil || $0.value.version.time > time }
    }

    func versions(in range: ClosedRange<UInt64>, countMax: Int) -> [HeldVersion] {
        held.filter { range.contains($0.key) }.sorted { $0.key < $1.key }.prefix(countMax)
            .map { HeldVersion(keyHash: $0.key, version: $0.value.version, isMark: $0.value.content == nil) }
    }
}
