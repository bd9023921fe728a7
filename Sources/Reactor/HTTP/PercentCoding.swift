/// Percent-decoding of raw parts of a URI (RFC 3986 §2.1), strict: what is no escape is no text.
package enum PercentCoding {
    /// Appends the bytes that one raw path segment stands for. After a fault `bytes` is as it was.
    package static func decode(segment: Span<UInt8>, appendingTo bytes: inout [UInt8]) throws(PercentFault) {
        try decode(segment, plus: UInt8(ascii: "+"), &bytes)
    }

    /// Appends the bytes that a raw name or value of a query stands for. `+` is a space, as WHATWG's URL standard has
    /// it and RFC 3986 leaves open: that is what every client library writes for a space, and none writes a bare `+`
    /// for a plus. Who types a URL by hand writes `%2B`. After a fault `bytes` is as it was.
    package static func decode(query: Span<UInt8>, appendingTo bytes: inout [UInt8]) throws(PercentFault) {
        try decode(query, plus: UInt8(ascii: " "), &bytes)
    }

    private static func decode(_ raw: Span<UInt8>, plus: UInt8, _ bytes: inout [UInt8]) throws(PercentFault) {
        let before = bytes.count
        bytes.reserveCapacity(before + raw.count)
        var index = 0
        while index < raw.count {
            switch raw[index] {
            case UInt8(ascii: "%"):
                guard let byte = escaped(raw, at: index) else {
                    bytes.removeLast(bytes.count - before)
                    throw PercentFault(offset: index)
                }
                bytes.append(byte)
                index += 3
            case UInt8(ascii: "+"):
                bytes.append(plus)
                index += 1
            case let byte:
                bytes.append(byte)
                index += 1
            }
        }
    }

    /// The byte that the `%` at `index` and two digits after it stand for.
    private static func escaped(_ raw: Span<UInt8>, at index: Int) -> UInt8? {
        guard raw.count - index > 2, let high = digit(raw[index + 1]), let low = digit(raw[index + 2]) else {
            return nil
        }
        return high << 4 | low
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// A `%` without two hexadecimal digits after it, `offset` bytes into the text.
package struct PercentFault: Error, Hashable, Sendable {
    package let offset: Int
}

/// The pairs of a raw query, in order. Empty ones (`a&&b`) are skipped; what is asked twice comes twice.
package struct QueryPairs: ~Escapable {
    private let query: Span<UInt8>
    private var next = 0

    /// `query`: the raw bytes between `?` and the end of the target.
    @_lifetime(copy query)
    package init(_ query: Span<UInt8>) {
        self.query = query
    }

    /// Ranges of the raw query. `NX` alone has no value; that of `NX=` is empty.
    package mutating func nextPair() -> (name: Range<Int>, value: Range<Int>?)? {
        while next < query.count {
            let start = next
            var equals: Int?
            while next < query.count, query[next] != UInt8(ascii: "&") {
                if equals == nil, query[next] == UInt8(ascii: "=") {
                    equals = next
                }
                next += 1
            }
            let end = next
            next += 1
            if let equals {
                return (start..<equals, equals + 1..<end)
            }
            if end > start {
                return (start..<end, nil)
            }
        }
        return nil
    }
}
