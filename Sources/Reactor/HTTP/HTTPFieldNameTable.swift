/// The perfect hash behind `HTTPFieldName`.
///
/// An object, so that a look-up reads bytes where they are: as a value the table would be copied by each use.
final class HTTPFieldNameTable: Sendable {
    static let shared = HTTPFieldNameTable()

    private static let nameMax = 32
    /// By hash: the raw value of the one name that has it, plus one; 0 for none.
    private let slots: InlineArray<256, UInt8>
    /// By raw value: the length of the name, then the name in lower case, in a row of `nameMax` bytes.
    private let rows: InlineArray<2048, UInt8>

    private init() {
        var slots = InlineArray<256, UInt8>(repeating: 0)
        var rows = InlineArray<2048, UInt8>(repeating: 0)
        for name in HTTPFieldName.allCases {
            let letters = Array(name.spelling.utf8)
            let start = Int(name.rawValue) * Self.nameMax
            let slot = Self.hash(letters.span)
            precondition(letters.count < Self.nameMax && start < rows.count, "\(name.spelling) does not fit")
            precondition(slots[slot] == 0, "\(name.spelling) has the hash of another name")
            slots[slot] = name.rawValue + 1
            rows[start] = UInt8(letters.count)
            for (column, letter) in letters.enumerated() {
                rows[start + 1 + column] = letter
            }
        }
        self.slots = slots
        self.rows = rows
    }

    /// One more than the raw value of the name, 0 for none.
    func match(_ name: Span<UInt8>) -> UInt8 {
        guard !name.isEmpty && name.count < Self.nameMax else { return 0 }
        let slot = slots[Self.hash(name)]
        guard slot != 0 else { return 0 }
        let start = (Int(slot) - 1) * Self.nameMax
        guard Int(rows[start]) == name.count else { return 0 }
        for index in name.indices where name[index] | 0x20 != rows[start + 1 + index] {
            return 0
        }
        return slot
    }

    /// Setting bit 5 folds the case of letters and maps no other token character onto a letter, a digit or a dash.
    private static func hash(_ name: Span<UInt8>) -> Int {
        let first = Int(name[0] | 0x20)
        let middle = Int(name[name.count / 2] | 0x20)
        let last = Int(name[name.count - 1] | 0x20)
        return (name.count * 126 + first * 188 + middle * 8 + last * 121) & 255
    }
}
