/// Which of its two languages a client of the Redis protocol reads.
package enum RESPVersion: UInt8, Sendable {
    case two = 2
    case three = 3
}

/// Writes values as RESP2 or RESP3. What RESP2 has no form for is written as Redis writes it: a map as an array of keys
/// and values, a double as text, a truth value as 0 or 1.
package struct RESPWriter {
    private let output: OutputBuffer
    private let version: RESPVersion

    package init(_ output: OutputBuffer, _ version: RESPVersion) {
        self.output = output
        self.version = version
    }

    package func ok() { output.append("+OK\r\n") }

    /// `text` has no line break.
    package func simple(_ text: StaticString) {
        output.append(UInt8(ascii: "+"))
        output.append(text)
        output.append("\r\n")
    }

    package func simple(_ text: String) {
        output.append(UInt8(ascii: "+"))
        output.append(text)
        output.append("\r\n")
    }

    /// Line breaks in `text` become spaces.
    package func error(_ text: String) {
        output.append(UInt8(ascii: "-"))
        for byte in text.utf8 { output.append(byte == 10 || byte == 13 ? 0x20 : byte) }
        output.append("\r\n")
    }

    package func integer(_ number: Int64) {
        output.append(UInt8(ascii: ":"))
        if number < 0 { output.append(UInt8(ascii: "-")) }
        output.append(decimal: number.magnitude)
        output.append("\r\n")
    }

    package func bulk(_ bytes: Span<UInt8>) {
        output.append(lead: UInt8(ascii: "$"), count: bytes.count, bytes)
    }

    /// Sent without copying.
    package func bulk(_ blob: Blob) { bulk(blob, 0..<blob.count) }

    /// The same of a part.
    package func bulk(_ blob: Blob, _ range: Range<Int>) {
        header(UInt8(ascii: "$"), range.count)
        output.append(blob, range)
        output.append("\r\n")
    }

    package func null() {
        switch version {
        case .two: output.append("$-1\r\n")
        case .three: output.append("_\r\n")
        }
    }

    package func nullArray() {
        switch version {
        case .two: output.append("*-1\r\n")
        case .three: output.append("_\r\n")
        }
    }

    package func double(_ number: Double) {
        let text = RESPNumberText.text(of: number)
        switch version {
        case .two: bulk(text.utf8.span)
        case .three:
            output.append(UInt8(ascii: ","))
            output.append(text)
            output.append("\r\n")
        }
    }

    package func bool(_ value: Bool) {
        switch version {
        case .two: integer(value ? 1 : 0)
        case .three: output.append(value ? "#t\r\n" : "#f\r\n")
        }
    }

    /// Text for people. `format` has three letters.
    package func verbatim(_ text: String, format: StaticString = "txt") {
        switch version {
        case .two: bulk(text.utf8.span)
        case .three:
            header(UInt8(ascii: "="), text.utf8.count + 4)
            output.append(format)
            output.append(UInt8(ascii: ":"))
            output.append(text)
            output.append("\r\n")
        }
    }

    /// Begins an array: so many values follow.
    package func array(_ count: Int) { header(UInt8(ascii: "*"), count) }

    /// Begins a map: so many pairs of values follow.
    package func map(_ count: Int) {
        switch version {
        case .two: header(UInt8(ascii: "*"), count * 2)
        case .three: header(UInt8(ascii: "%"), count)
        }
    }

    package func set(_ count: Int) {
        header(version == .two ? UInt8(ascii: "*") : UInt8(ascii: "~"), count)
    }

    /// Begins something that answers no command.
    package func push(_ count: Int) {
        header(version == .two ? UInt8(ascii: "*") : UInt8(ascii: ">"), count)
    }

    private func header(_ lead: UInt8, _ count: Int) {
        output.append(lead)
        output.append(decimal: count)
        output.append("\r\n")
    }
}

/// Doubles as Redis spells them.
package enum RESPNumberText {
    /// The shortest text that reads back as `number`, whole numbers without a point.
    package static func text(of number: Double) -> String {
        if number.isNaN { return "nan" }
        if number.isInfinite { return number < 0 ? "-inf" : "inf" }
        if let whole = Int64(exactly: number), whole.magnitude < 1 << 53 { return "\(whole)" }
        return "\(number)"
    }
}
