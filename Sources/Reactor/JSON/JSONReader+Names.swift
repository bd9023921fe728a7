/// A member name while its object is searched for a repeated one.
///
/// By sorting, not by hashing: as many equal prefixes as a client may choose cost it n log n, and no secret is needed.
struct JSONName: Sendable {
    /// The first eight bytes of the decoded name, first one highest, zeros behind a shorter one: in the order of the
    /// names, and decides nearly all comparisons.
    let prefix: UInt64
    let node: Int

    /// Up to this many members are compared each with each.
    private static let pairwiseMax = 8

    /// The first name on the tape of `object` that an earlier member has too. The object may still be open, as the last
    /// one on the tape.
    static func firstRepeated(
        in object: Int, source: Span<UInt8>, nodes: [JSONNode], scratch names: inout [JSONName]
    ) -> Int? {
        let nodes = nodes.span
        guard object + 3 < nodes.count, nodes[object + 2].next < nodes.count else { return nil }
        names.removeAll(keepingCapacity: true)
        var index = object + 1
        while index < nodes.count {
            names.append(JSONName(node: index, source, nodes))
            index = nodes[index + 1].next
        }
        return names.count <= pairwiseMax
            ? firstRepeatedPairwise(names, source, nodes) : firstRepeatedSorted(&names, source, nodes)
    }

    private static func firstRepeatedPairwise(
        _ names: [JSONName], _ source: Span<UInt8>, _ nodes: Span<JSONNode>
    ) -> Int? {
        for (index, name) in names.enumerated() {
            for earlier in names[..<index]
            where earlier.prefix == name.prefix && isOrdered(earlier, name, source, nodes) == nil {
                return name.node
            }
        }
        return nil
    }

    private static func firstRepeatedSorted(
        _ names: inout [JSONName], _ source: Span<UInt8>, _ nodes: Span<JSONNode>
    ) -> Int? {
        names.sort { left, right in
            guard left.prefix == right.prefix else { return left.prefix < right.prefix }
            return isOrdered(left, right, source, nodes) ?? (left.node < right.node)
        }
        var first: Int?
        for (earlier, later) in zip(names, names.dropFirst())
        where earlier.prefix == later.prefix && isOrdered(earlier, later, source, nodes) == nil {
            first = min(first ?? later.node, later.node)
        }
        return first
    }

    private init(node: Int, _ source: Span<UInt8>, _ nodes: Span<JSONNode>) {
        self.node = node
        let text = JSONValue(source: source, nodes: nodes, index: node)
        if let bytes = text.unescapedUTF8, bytes.count >= 8 {
            prefix = bytes.word(at: 0).byteSwapped
            return
        }
        var decoder = JSONUnescaper(text.content)
        var prefix: UInt64 = 0
        for _ in 0..<8 {
            prefix = prefix << 8 | UInt64(decoder.next() ?? 0)
        }
        self.prefix = prefix
    }

    /// Whether the one name precedes the other, byte by byte after decoding; nil if they are equal.
    private static func isOrdered(
        _ left: JSONName, _ right: JSONName, _ source: Span<UInt8>, _ nodes: Span<JSONNode>
    ) -> Bool? {
        var left = JSONUnescaper(JSONValue(source: source, nodes: nodes, index: left.node).content)
        var right = JSONUnescaper(JSONValue(source: source, nodes: nodes, index: right.node).content)
        while true {
            switch (left.next(), right.next()) {
            case (nil, nil): return nil
            case (nil, .some): return true
            case (.some, nil): return false
            case (let one?, let other?) where one != other: return one < other
            case (.some, .some): continue
            }
        }
    }
}
