import Reactor
import Services

/// SETBIT, GETBIT, BITCOUNT and BITPOS.
extension BitmapCommands {
    static let setBit: KeyedHandler = { keys, arguments throws(CommandError) in
        let key = arguments[1]
        let offset = try offset(arguments, 2, keys)
        let bitError = CommandError("ERR bit is not an integer or out of range")
        let bit = try arguments.integer(3, bitError)
        guard bit == 0 || bit == 1 else { throw bitError }
        var window = BitWindow(of: Span(), from: offset, count: 1)
        var length = 0
        try keys.readString(key) { value in
            window = BitWindow(of: value, from: offset, count: 1)
            length = value.count
        }
        let old = window.bits
        // What is as it was is not written: nobody who watches the key sees a change.
        guard old != UInt64(bit) || length <= window.firstByte else { return .integer(Int64(old)) }
        window.bits = UInt64(bit)
        try keys.write(window.span, into: key, at: window.firstByte)
        return .integer(Int64(old))
    }

    static let getBit: KeyedHandler = { keys, arguments throws(CommandError) in
        let offset = try offset(arguments, 2, keys)
        var bit: UInt64 = 0
        try keys.readString(arguments[1]) { bit = BitWindow(of: $0, from: offset, count: 1).bits }
        return .integer(Int64(bit))
    }

    /// As in Redis 7.0, a key that is absent answers before the range is looked at.
    static let count: KeyedHandler = { keys, arguments throws(CommandError) in
        let key = arguments[1]
        guard let length = try keys.stringLength(key) else { return .integer(0) }
        var range = length > 0 ? 0...length * 8 - 1 : nil
        if arguments.count > 2 {
            guard arguments.count == 4 || arguments.count == 5 else { throw .syntax }
            let (start, end) = (try arguments.integer(2), try arguments.integer(3))
            guard !PlaceRange.isCrossed(start, end) else { return .integer(0) }
            let isInBits = arguments.count == 5 ? try isInBits(arguments, 4) : false
            range = bits(from: start, through: end, isInBits: isInBits, length)
        }
        guard let range else { return .integer(0) }
        var count = 0
        try keys.readString(key) { count = $0.bitCount(in: range) }
        return .integer(count)
    }

    static let position: KeyedHandler = { keys, arguments throws(CommandError) in
        let key = arguments[1]
        let bit = try arguments.integer(2)
        guard bit == 0 || bit == 1 else { throw CommandError("ERR The bit argument must be 1 or 0.") }
        // An absent key has no bits that are set, and all that are not.
        guard let length = try keys.stringLength(key) else { return .integer(-bit) }
        var (start, end) = (Int64(0), Int64(length) - 1)
        var isInBits = false
        if arguments.count > 3 {
            guard arguments.count <= 6 else { throw .syntax }
            start = try arguments.integer(3)
            isInBits = arguments.count == 6 ? try Self.isInBits(arguments, 5) : false
            if arguments.count > 4 { end = try arguments.integer(4) }
        }
        guard let range = bits(from: start, through: end, isInBits: isInBits, length) else { return .integer(-1) }
        var found: Int?
        try keys.readString(key) { found = $0.firstBit(bit == 1, in: range) }
        if let found { return .integer(found) }
        // Behind a string whose end was not given stand bits that are not set.
        return .integer(bit == 0 && arguments.count < 5 ? range.upperBound + 1 : -1)
    }

    private static func isInBits(_ arguments: Arguments, _ index: Int) throws(CommandError) -> Bool {
        if arguments.has("bit", at: index) { return true }
        guard arguments.has("byte", at: index) else { throw .syntax }
        return false
    }

    /// The bits that a range of bits or bytes names in a string of `length` bytes.
    private static func bits(
        from start: Int64, through end: Int64, isInBits: Bool, _ length: Int
    ) -> ClosedRange<Int>? {
        guard !isInBits else { return PlaceRange.places(from: start, through: end, in: length * 8) }
        return PlaceRange.places(from: start, through: end, in: length).map {
            $0.lowerBound * 8...$0.upperBound * 8 + 7
        }
    }
}
