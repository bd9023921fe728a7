import Reactor
import Services

/// BITFIELD: integers of any width up to 64 bits within a string.
extension BitmapCommands {
    static let field: KeyedHandler = { keys, arguments throws(CommandError) in
        let steps = try BitFieldStep.parse(arguments, keys)
        if let end = steps.lazy.filter(\.isWrite).map({ $0.offset + $0.type.width }).max() {
            try grow(keys, arguments[1], to: (end + 7) / 8)
        }
        return try perform(steps, keys, arguments[1])
    }

    static let readOnlyField: KeyedHandler = { keys, arguments throws(CommandError) in
        let steps = try BitFieldStep.parse(arguments, keys)
        guard !steps.contains(where: \.isWrite) else {
            throw CommandError("ERR BITFIELD_RO only supports the GET subcommand")
        }
        return try perform(steps, keys, arguments[1])
    }

    /// Before the first step, and whether or not one writes in the end.
    private static func grow(_ keys: any Keyspace, _ key: Span<UInt8>, to length: Int) throws(CommandError) {
        guard try keys.stringLength(key) ?? 0 < length else { return }
        try keys.write(Span(), into: key, at: length)
    }

    private static func perform(
        _ steps: [BitFieldStep], _ keys: any Keyspace, _ key: Span<UInt8>
    ) throws(CommandError) -> Reply {
        var replies: [Reply] = []
        replies.reserveCapacity(steps.count)
        for step in steps {
            var window = BitWindow(of: Span(), from: step.offset, count: step.type.width)
            try keys.readString(key) { window = BitWindow(of: $0, from: step.offset, count: step.type.width) }
            let old = window.bits
            let (new, reply) = step.result(old)
            if let new, new != old {
                window.bits = new
                try keys.write(window.span, into: key, at: window.firstByte)
            }
            replies.append(reply.map { .integer($0) } ?? .null)
        }
        return .array(replies)
    }
}
