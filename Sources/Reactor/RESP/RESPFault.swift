/// Why what arrived is no command. The connection ends after the answer: where the next command would begin is unknown.
package enum RESPFault: Error, Equatable, Sendable {
    case multibulkLengthInvalid
    case multibulkLengthTooLong
    case bulkLengthInvalid
    case bulkLengthTooLong
    /// Of the form `*`, but an argument begins with this byte.
    case bulkExpected(UInt8)
    case lineBreakMissing
    case inlineTooLong
    case quotesUnbalanced
    /// All arguments together are larger than `RESPLimits.commandBytesMax`.
    case commandTooLarge(max: Int)
    /// It comes so slowly that what has come takes room which others need.
    case commandTooSlow
    /// HTTP was spoken to this port.
    case http

    /// What the client is told, as Redis 7 words it where Redis knows the fault.
    package var text: String {
        switch self {
        case .multibulkLengthInvalid: "Protocol error: invalid multibulk length"
        case .multibulkLengthTooLong: "Protocol error: too big mbulk count string"
        case .bulkLengthInvalid: "Protocol error: invalid bulk length"
        case .bulkLengthTooLong: "Protocol error: too big bulk count string"
        case .bulkExpected(let byte): "Protocol error: expected '$', got '\(Self.printable(byte))'"
        case .lineBreakMissing: "Protocol error: expected CRLF behind a bulk string"
        case .inlineTooLong: "Protocol error: too big inline request"
        case .quotesUnbalanced: "Protocol error: unbalanced quotes in request"
        case .commandTooLarge(let max): "Protocol error: a command has at most \(max) bytes"
        case .commandTooSlow: "Protocol error: the command arrived too slowly (limits.bodyRateMin)"
        case .http: "This port speaks the Redis protocol, not HTTP"
        }
    }

    private static func printable(_ byte: UInt8) -> String {
        (0x20..<0x7F).contains(byte) ? String(UnicodeScalar(byte)) : " "
    }
}

/// What one command may cost.
package struct RESPLimits: Sendable {
    /// Arguments of a command.
    package var argumentsMax = 1 << 20
    /// Bytes of one argument (`cache.valueMax`).
    package var bulkMax = 64 << 20
    /// Bytes of all arguments.
    package var commandBytesMax = 512 << 20
    /// Bytes of an inline command.
    package static let inlineMax = 64 << 10
    /// Digits of a length: every such number fits in 64 bits.
    static let lengthDigitsMax = 18
    /// An argument of this size that has not arrived as a whole gets a block of its own.
    static let blobMin = 16 << 10

    package init() {}
}
