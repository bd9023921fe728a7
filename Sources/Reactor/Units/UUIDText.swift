/// UUIDs, version 4 (RFC 9562 §5.4), as text: request ids.
package enum UUIDText {
    /// The text of the UUID with these random bits, of which six give way to version and variant.
    package static func v4(_ high: UInt64, _ low: UInt64) -> InlineArray<36, UInt8> {
        let (high, low) = versioned(high, low)
        return text(high, low)
    }

    /// The text of these bits, whatever they are.
    package static func text(_ high: UInt64, _ low: UInt64) -> InlineArray<36, UInt8> {
        var text = InlineArray<36, UInt8>(repeating: UInt8(ascii: "-"))
        text.put(hex: UInt32(truncatingIfNeeded: high >> 32), digits: 8, at: 0)
        text.put(hex: UInt32(truncatingIfNeeded: high >> 16), digits: 4, at: 9)
        text.put(hex: UInt32(truncatingIfNeeded: high), digits: 4, at: 14)
        text.put(hex: UInt32(truncatingIfNeeded: low >> 48), digits: 4, at: 19)
        text.put(hex: UInt32(truncatingIfNeeded: low >> 32), digits: 4, at: 24)
        text.put(hex: UInt32(truncatingIfNeeded: low), digits: 8, at: 28)
        return text
    }

    /// The bits with version and variant in their places.
    @inline(__always)
    package static func versioned(_ high: UInt64, _ low: UInt64) -> (UInt64, UInt64) {
        (high & ~0xf000 | 0x4000, low & ~(3 << 62) | 2 << 62)
    }

    package static func v4<Generator: RandomNumberGenerator>(
        using generator: inout Generator
    ) -> InlineArray<36, UInt8> {
        v4(generator.next(), generator.next())
    }

    /// The bits that a text of 32 hexadecimal digits in five groups spells; nil: it is no such text.
    package static func parse(_ text: String) -> (high: UInt64, low: UInt64)? {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12] else { return nil }
        let digits = Array(groups.joined().utf8)
        guard let high = Hex.parse(digits.span.extracting(..<16)), let low = Hex.parse(digits.span.extracting(16...))
        else { return nil }
        return (high, low)
    }
}
