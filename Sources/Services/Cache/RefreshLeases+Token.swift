import Reactor

/// What proves a lease: 128 random bits, as 32 lower-case hexadecimal digits.
package struct LeaseToken: Hashable, Sendable {
    package static let length = 32

    private let high: UInt64
    private let low: UInt64

    package init<Generator: RandomNumberGenerator>(using generator: inout Generator) {
        high = generator.next()
        low = generator.next()
    }

    /// Nil: `text` was never a token.
    package init?(text: Span<UInt8>) {
        guard text.count == Self.length, let high = Hex.parse(text.extracting(0..<16)),
            let low = Hex.parse(text.extracting(16..<32))
        else { return nil }
        self.high = high
        self.low = low
    }

    package var text: InlineArray<32, UInt8> {
        var text = InlineArray<32, UInt8>(repeating: 0)
        for word in 0..<4 {
            let half = word < 2 ? high : low
            let digits = Hex.digits(UInt32(truncatingIfNeeded: word.isMultiple(of: 2) ? half >> 32 : half))
            for index in 0..<8 {
                text[word * 8 + index] = UInt8(truncatingIfNeeded: digits >> (8 * index))
            }
        }
        return text
    }
}

/// The lease has expired, passed on, or become void; or there never was one: 409.
package struct StaleLease: Error, Equatable {
    package init() {}
}
