/// A reply as a transcript spells it, read from what was written for the wire.
struct TranscriptReply {
    /// Equal bytes in a row that are written as a number of them.
    private static let runMin = 32
    /// Integers as near to the present as this are written as times: in seconds, and so many milliseconds.
    private static let timesSeconds: Int64 = 10_000_000

    private let bytes: [UInt8]
    private let now: Int64
    private var index = 0
    private var lines: [String] = []

    /// The lines of the reply that `bytes` are, exactly.
    static func lines(of bytes: [UInt8], now: UInt64) -> [String] {
        var reader = TranscriptReply(bytes: bytes, now: Int64(now))
        reader.read(indent: "")
        precondition(reader.index == bytes.count, "bytes behind a reply")
        return reader.lines
    }

    private init(bytes: [UInt8], now: Int64) {
        self.bytes = bytes
        self.now = now
    }

    private mutating func read(indent: String) {
        let kind = Character(UnicodeScalar(bytes[index]))
        index += 1
        let rest = line()
        switch kind {
        case "*", "%", "~", ">":
            guard let count = Int(rest), count >= 0 else { return lines.append(indent + "nil array") }
            lines.append("\(indent)\(kind)\(rest)")
            for _ in 0..<count * (kind == "%" ? 2 : 1) { read(indent: indent + "  ") }
        case "$", "=":
            guard let count = Int(rest), count >= 0 else { return lines.append(indent + "nil") }
            let data = bytes[index..<index + count]
            index += count + 2
            lines.append(indent + (kind == "$" ? Self.quote(Array(data)) : "=" + String(decoding: data, as: UTF8.self)))
        case "_": lines.append(indent + "nil")
        case ":": lines.append(indent + ":" + integer(rest))
        default: lines.append("\(indent)\(kind)\(rest)")
        }
    }

    private mutating func line() -> String {
        guard let end = bytes[index...].firstIndex(of: 13), bytes[end + 1] == 10 else {
            preconditionFailure("no line break")
        }
        defer { index = end + 2 }
        return String(decoding: bytes[index..<end], as: UTF8.self)
    }

    private func integer(_ text: String) -> String {
        guard let number = Int64(text) else { preconditionFailure("no integer: \(text)") }
        func offset(_ offset: Int64) -> String { offset < 0 ? "\(offset)" : "+\(offset)" }
        if (now - Self.timesSeconds * 1_000...now + Self.timesSeconds * 1_000).contains(number) {
            return "{ms\(offset(number - now))}"
        }
        let second = now / 1_000
        if (second - Self.timesSeconds...second + Self.timesSeconds).contains(number) {
            return "{s\(offset(number - second))}"
        }
        return text
    }

    private static func quote(_ data: [UInt8]) -> String {
        var pieces: [String] = []
        var plain = ""
        var index = 0
        while index < data.count {
            let end = data[index...].firstIndex { $0 != data[index] } ?? data.count
            if end - index >= runMin {
                if !plain.isEmpty { pieces.append("\"\(plain)\"") }
                pieces.append("\"\(escape(data[index]))\"*\(end - index)")
                plain = ""
            } else {
                for _ in index..<end { plain += escape(data[index]) }
            }
            index = end
        }
        if !plain.isEmpty || pieces.isEmpty { pieces.append("\"\(plain)\"") }
        return pieces.joined(separator: "+")
    }

    private static func escape(_ byte: UInt8) -> String {
        switch byte {
        case UInt8(ascii: "\""): "\\\""
        case UInt8(ascii: "\\"): "\\\\"
        case 9: "\\t"
        case 10: "\\n"
        case 13: "\\r"
        case 0x20..<0x7F: String(UnicodeScalar(byte))
        default: "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }
}
