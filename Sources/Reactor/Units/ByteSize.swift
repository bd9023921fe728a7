/// Sizes as people write them: `64KiB`, `256MB`, or a plain number of bytes.
///
/// Units are spelled as the IEC and SI spell them, in capitals: `KB` is 1000 bytes and `KiB` is 1024. `64k` is a fault,
/// because people disagree on which of the two it is.
package enum ByteSize {
    package enum Fault: Error, Equatable {
        case malformed
        case tooLarge

        /// What was expected, for the caller's error body.
        package var detail: String {
            switch self {
            case .malformed: #"expected bytes, or a whole number of KiB, MiB, GiB, TiB, KB, MB, GB or TB, like "64KiB""#
            case .tooLarge: "expected at most \(Int.max) bytes"
            }
        }
    }

    package static func parse(_ text: Span<UInt8>) throws(Fault) -> Int {
        let number = DecimalPrefix(of: text)
        guard number.length > 0,
            let unit = units.first(where: { isTail(of: text, from: number.length, $0.name) })
        else { throw .malformed }
        guard let value = number.value, value <= Int.max / unit.bytes else { throw .tooLarge }
        return value * unit.bytes
    }

    /// The largest binary unit that divides it, else the largest decimal one, else plain bytes. `size`: zero or more.
    package static func render(_ size: Int) -> String {
        precondition(size >= 0, "a size of \(size) bytes")
        for unit in units where size > 0 && size.isMultiple(of: unit.bytes) {
            return "\(size / unit.bytes)\(unit.name)"
        }
        return "\(size)"
    }

    /// The binary ones first, the largest of each family first.
    private static let units: [(name: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000), ("", 1),
    ]
}
