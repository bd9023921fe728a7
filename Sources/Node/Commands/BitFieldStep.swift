import Reactor
import Services

/// One GET, SET or INCRBY of a BITFIELD.
struct BitFieldStep {
    enum Action {
        case get
        case set(Int64)
        case increment(Int64)
    }

    /// What happens when a number does not fit.
    enum Overflow {
        case wrap, saturate, fail
    }

    let action: Action
    let type: BitFieldType
    /// Of its first bit.
    let offset: Int
    let overflow: Overflow

    var isWrite: Bool {
        switch action {
        case .get: false
        case .set, .increment: true
        }
    }

    /// The bits to write, and the answer, for a field that has the bits `old`. No bits: it stays as it is. No answer:
    /// the number does not fit.
    func result(_ old: UInt64) -> (bits: UInt64?, reply: Int64?) {
        let current = type.number(old)
        let wanted: Int128
        switch action {
        case .get: return (nil, current)
        // A negative number for an unsigned field is a large one.
        case .set(let number): wanted = type.isSigned ? Int128(number) : Int128(UInt64(bitPattern: number))
        case .increment(let amount): wanted = Int128(current) + Int128(amount)
        }
        guard let number = fitted(wanted) else { return (nil, nil) }
        let bits = type.bits(number)
        switch action {
        case .get, .set: return (bits, current)
        case .increment: return (bits, type.number(bits))
        }
    }

    private func fitted(_ number: Int128) -> Int128? {
        let range = type.range
        guard !range.contains(number) else { return number }
        switch overflow {
        case .wrap: return number
        case .saturate: return number < range.lowerBound ? range.lowerBound : range.upperBound
        case .fail: return nil
        }
    }
}

extension BitFieldStep {
    static func parse(_ arguments: Arguments, _ keys: any Keyspace) throws(CommandError) -> [BitFieldStep] {
        var steps: [BitFieldStep] = []
        var overflow = Overflow.wrap
        var index = 2
        while index < arguments.count {
            let left = arguments.count - index - 1
            if arguments.has("overflow", at: index), left >= 1 {
                overflow = try Overflow(arguments, index + 1)
                index += 2
            } else if arguments.has("get", at: index), left >= 2 {
                steps.append(try BitFieldStep(arguments, index, overflow, keys) { () throws(CommandError) in .get })
                index += 3
            } else if arguments.has("set", at: index), left >= 3 {
                steps.append(
                    try BitFieldStep(arguments, index, overflow, keys) { () throws(CommandError) in
                        .set(try arguments.integer(index + 3))
                    })
                index += 4
            } else if arguments.has("incrby", at: index), left >= 3 {
                steps.append(
                    try BitFieldStep(arguments, index, overflow, keys) { () throws(CommandError) in
                        .increment(try arguments.integer(index + 3))
                    })
                index += 4
            } else {
                throw .syntax
            }
        }
        return steps
    }

    /// The words behind the one at `index`: type, offset, and what the action needs.
    private init(
        _ arguments: Arguments, _ index: Int, _ overflow: Overflow, _ keys: any Keyspace,
        action: () throws(CommandError) -> Action
    ) throws(CommandError) {
        guard let type = BitFieldType(arguments[index + 1]) else {
            throw CommandError(
                "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.")
        }
        self.type = type
        self.overflow = overflow
        offset = try Self.offset(arguments[index + 2], type, keys)
        self.action = try action()
    }

    /// A number of bits, or behind `#` of fields.
    private static func offset(
        _ text: Span<UInt8>, _ type: BitFieldType, _ keys: any Keyspace
    ) throws(CommandError) -> Int {
        let isInFields = text.count > 0 && text[0] == UInt8(ascii: "#")
        guard let number = DecimalText.parse(isInFields ? text.extracting(1...) : text) else {
            throw BitmapCommands.offsetError
        }
        let (offset, isTooLarge) = number.multipliedReportingOverflow(by: isInFields ? Int64(type.width) : 1)
        guard !isTooLarge else { throw BitmapCommands.offsetError }
        return try BitmapCommands.checked(offset, keys)
    }
}

extension BitFieldStep.Overflow {
    fileprivate init(_ arguments: Arguments, _ index: Int) throws(CommandError) {
        if arguments.has("wrap", at: index) {
            self = .wrap
        } else if arguments.has("sat", at: index) {
            self = .saturate
        } else if arguments.has("fail", at: index) {
            self = .fail
        } else {
            throw CommandError("ERR Invalid OVERFLOW type specified")
        }
    }
}
