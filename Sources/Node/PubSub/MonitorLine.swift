import Reactor

/// A command as MONITOR shows it, in Redis' form: `1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`.
enum MonitorLine {
    /// A longer line is cut: a value of many megabytes would become a line four times its size for every monitor.
    static let shownMax = 1 << 20

    /// `microseconds`: since 1970.
    static func text(of arguments: Arguments, from address: String, microseconds: UInt64) -> [UInt8] {
        let fraction = String(microseconds % 1_000_000)
        let zeros = String(repeating: "0", count: 6 - fraction.count)
        var line = Array("\(microseconds / 1_000_000).\(zeros)\(fraction) [0 \(address)]".utf8)
        let secrets = secretPlaces(in: arguments)
        for index in 0..<arguments.count {
            guard line.count < shownMax else {
                line += Array(" ... (\(arguments.count - index) more arguments)".utf8)
                break
            }
            line.append(UInt8(ascii: " "))
            if secrets.contains(index) {
                line += Array("\"(redacted)\"".utf8)
            } else {
                append(arguments[index], to: &line)
            }
        }
        return line
    }

    private static func append(_ bytes: Span<UInt8>, to line: inout [UInt8]) {
        let shown = min(bytes.count, shownMax - line.count)
        line.append(UInt8(ascii: "\""))
        for index in 0..<shown { appendEscaped(bytes[index], to: &line) }
        line.append(UInt8(ascii: "\""))
        if shown < bytes.count { line += Array("... (\(bytes.count - shown) more bytes)".utf8) }
    }

    private static func appendEscaped(_ byte: UInt8, to line: inout [UInt8]) {
        let letter: UInt8
        switch byte {
        case UInt8(ascii: "\\"), UInt8(ascii: "\""): letter = byte
        case 0x0A: letter = UInt8(ascii: "n")
        case 0x0D: letter = UInt8(ascii: "r")
        case 0x09: letter = UInt8(ascii: "t")
        case 0x07: letter = UInt8(ascii: "a")
        case 0x08: letter = UInt8(ascii: "b")
        case 0x20...0x7E: return line.append(byte)
        default:
            let digits = Array("0123456789abcdef".utf8)
            line += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            return
        }
        line += [UInt8(ascii: "\\"), letter]
    }

    /// What stands for a password or token: everything behind AUTH, and the two words behind AUTH in HELLO.
    static func secretPlaces(in arguments: Arguments) -> Range<Int> {
        if arguments.has("auth", at: 0) { return 1..<max(1, arguments.count) }
        guard arguments.has("hello", at: 0) else { return 0..<0 }
        for index in 1..<arguments.count where arguments.has("auth", at: index) {
            return index + 1..<min(index + 3, arguments.count)
        }
        return 0..<0
    }
}
