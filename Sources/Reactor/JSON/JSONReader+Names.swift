/// Finds the first name of an object that an earlier member has too, in time that no choice of names can spoil.
///
/// By sorting, not by hashing, which would need a secret. Names are sorted by their first eight bytes and length; where
/// both are equal, by the next eight; and so on. That takes (bytes of all names) × log(members) at worst, and touches
/// the text of a name once per eight bytes, however long the beginnings that many names share.
struct JSONNames: Sendable {
    /// Up to this many names are compared each with each.
    private static let pairwiseMax = 8

    private var names: [Name] = []
    /// The decoded bytes of the names that have escapes.
    private var decoded: [UInt8] = []
    private var runs: [Run] = []

    private struct Name {
        /// The node of the name.
        let node: UInt32
        /// The range of its bytes, in `decoded` or in the source.
        let start: UInt32
        let length: UInt32
        let isDecoded: Bool
        /// The eight bytes that count now; zeros behind the last one of the name.
        var word: UInt64 = 0

        func precedes(_ other: Name) -> Bool {
            guard word == other.word else { return word < other.word }
            guard length == other.length else { return length < other.length }
            return node < other.node
        }

        func isLevel(with other: Name) -> Bool {
            length == other.length && word == other.word
        }
    }

    /// Names that are equal up to `offset`.
    private struct Run {
        let range: Range<Int>
        let offset: Int
    }

    /// Drops what a large object took.
    mutating func trim(to countMax: Int) {
        if names.capacity > countMax { self = JSONNames() }
    }

    /// The node of the first repeated name of `object`, which may still be open as the last one on the tape.
    mutating func firstRepeated(in object: Int, source: Span<UInt8>, nodes: [JSONNode]) -> Int? {
        guard object + 3 < nodes.count, nodes[object + 2].next < nodes.count else { return nil }
        collect(object, source, nodes)
        var first: Int?
        runs.append(Run(range: names.indices, offset: 0))
        while let run = runs.popLast() {
            let repeated =
                run.range.count <= Self.pairwiseMax
                ? firstRepeatedPairwise(run, source) : firstRepeatedSorted(run, source)
            first = [first, repeated].compactMap(\.self).min()
        }
        return first
    }

    private mutating func collect(_ object: Int, _ source: Span<UInt8>, _ nodes: [JSONNode]) {
        names.removeAll(keepingCapacity: true)
        decoded.removeAll(keepingCapacity: true)
        var index = object + 1
        while index < nodes.count {
            let name = JSONValue(source: source, nodes: nodes.span, index: index)
            if name.unescapedUTF8 == nil {
                let start = UInt32(decoded.count)
                name.decode(into: &decoded)
                let length = UInt32(decoded.count) - start
                names.append(Name(node: UInt32(index), start: start, length: length, isDecoded: true))
            } else {
                let node = nodes[index]
                let length = node.end - node.start - 2
                names.append(Name(node: UInt32(index), start: node.start + 1, length: length, isDecoded: false))
            }
            index = nodes[index + 1].next
        }
    }

    private func firstRepeatedPairwise(_ run: Run, _ source: Span<UInt8>) -> Int? {
        for later in run.range.dropFirst() {
            for earlier in run.range.lowerBound..<later where areEqual(earlier, later, from: run.offset, source) {
                return Int(names[later].node)
            }
        }
        return nil
    }

    private func areEqual(_ left: Int, _ right: Int, from offset: Int, _ source: Span<UInt8>) -> Bool {
        let (left, right) = (names[left], names[right])
        guard left.length == right.length else { return false }
        return stride(from: offset, to: Int(left.length), by: 8)
            .allSatisfy { word(of: left, at: $0, source) == word(of: right, at: $0, source) }
    }

    /// Sorts the run by its next word. Names that end with it and are still level are repeated; others go on.
    private mutating func firstRepeatedSorted(_ run: Run, _ source: Span<UInt8>) -> Int? {
        for index in run.range {
            names[index].word = word(of: names[index], at: run.offset, source)
        }
        names[run.range].sort { $0.precedes($1) }
        var first: Int?
        var start = run.range.lowerBound
        while start < run.range.upperBound {
            var end = start + 1
            while end < run.range.upperBound, names[end].isLevel(with: names[start]) {
                end += 1
            }
            if end - start > 1, run.offset + 8 < names[start].length {
                runs.append(Run(range: start..<end, offset: run.offset + 8))
            } else if end - start > 1 {
                first = min(first ?? .max, Int(names[start + 1].node))
            }
            start = end
        }
        return first
    }

    private func word(of name: Name, at offset: Int, _ source: Span<UInt8>) -> UInt64 {
        let range = Int(name.start) + offset..<Int(name.start + name.length)
        return name.isDecoded ? Self.word(decoded.span.extracting(range)) : Self.word(source.extracting(range))
    }

    private static func word(_ bytes: Span<UInt8>) -> UInt64 {
        guard bytes.count < 8 else { return bytes.word(at: 0) }
        var word: UInt64 = 0
        for index in bytes.indices {
            word = word << 8 | UInt64(bytes[index])
        }
        return word
    }
}
