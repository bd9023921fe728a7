/// Inline commands: a line of words, as somebody types it into telnet. Words are split and unquoted as Redis does.
extension RESPDecoder {
    /// Reads one line; its words are then in `slots`, none for an empty line. False: it has not arrived as a whole.
    mutating func readInline(_ bytes: Span<UInt8>) throws(RESPFault) -> Bool {
        let end = bytes.firstIndex(of: UInt8(ascii: "\n"), from: position) ?? bytes.count
        guard end - position <= RESPLimits.inlineMax else { throw .inlineTooLong }
        guard end < bytes.count else { return false }
        let hasReturn = end > position && bytes[end - 1] == UInt8(ascii: "\r")
        let line = bytes.extracting(position..<(hasReturn ? end - 1 : end))
        guard !Self.isHTTP(line) else { throw .http }
        position = end + 1
        try splitWords(line)
        isInline = slotCount > 0
        return true
    }

    /// Whether a browser, or somebody who misuses one, speaks HTTP to this port: a request line, or a line that Redis
    /// refuses too. A command `GET` with one key is none.
    private static func isHTTP(_ line: Span<UInt8>) -> Bool {
        if line.count >= 9 {
            let tail = line.extracting(last: 9)
            if tail.hasPrefix(" HTTP/1.".utf8.span) { return true }
        }
        guard let first = firstWord(of: line) else { return false }
        return first.equalsIgnoringCase("post") || first.equalsIgnoringCase("host:")
    }

    @_lifetime(copy line)
    private static func firstWord(of line: Span<UInt8>) -> Span<UInt8>? {
        var start = 0
        while start < line.count, line[start].isInlineSpace { start += 1 }
        guard start < line.count else { return nil }
        var end = start
        while end < line.count, !line[end].isInlineSpace { end += 1 }
        return line.extracting(start..<end)
    }

    private mutating func splitWords(_ line: Span<UInt8>) throws(RESPFault) {
        var index = 0
        while true {
            while index < line.count, line[index].isInlineSpace { index += 1 }
            guard index < line.count else { return }
            let start = inlineBytes.count
            index = try readWord(line, from: index)
            append(ArgumentSlot(start: start, count: inlineBytes.count - start))
        }
    }

    /// Appends the word at `start` to `inlineBytes` and returns where it ends.
    private mutating func readWord(_ line: Span<UInt8>, from start: Int) throws(RESPFault) -> Int {
        var index = start
        while index < line.count, !line[index].isInlineSpace {
            let byte = line[index]
            guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") else {
                inlineBytes.append(byte)
                index += 1
                continue
            }
            index = try readQuoted(line, from: index + 1, quote: byte)
            guard index == line.count || line[index].isInlineSpace else { throw .quotesUnbalanced }
        }
        return index
    }

    private mutating func readQuoted(_ line: Span<UInt8>, from start: Int, quote: UInt8) throws(RESPFault) -> Int {
        var index = start
        while index < line.count {
            let byte = line[index]
            if byte == quote { return index + 1 }
            guard byte == UInt8(ascii: "\\"), index + 1 < line.count else {
                inlineBytes.append(byte)
                index += 1
                continue
            }
            index = quote == UInt8(ascii: "\"") ? readEscape(line, index) : readSingleQuoteEscape(line, index)
        }
        throw .quotesUnbalanced
    }

    /// Within single quotes only the single quote itself is escaped.
    private mutating func readSingleQuoteEscape(_ line: Span<UInt8>, _ index: Int) -> Int {
        guard line[index + 1] == UInt8(ascii: "'") else {
            inlineBytes.append(line[index])
            return index + 1
        }
        inlineBytes.append(line[index + 1])
        return index + 2
    }

    private mutating func readEscape(_ line: Span<UInt8>, _ index: Int) -> Int {
        let letter = line[index + 1]
        if letter == UInt8(ascii: "x"), index + 3 < line.count,
            let high = line[index + 2].hexValue, let low = line[index + 3].hexValue
        {
            inlineBytes.append(high << 4 | low)
            return index + 4
        }
        switch letter {
        case UInt8(ascii: "n"): inlineBytes.append(UInt8(ascii: "\n"))
        case UInt8(ascii: "r"): inlineBytes.append(UInt8(ascii: "\r"))
        case UInt8(ascii: "t"): inlineBytes.append(UInt8(ascii: "\t"))
        case UInt8(ascii: "b"): inlineBytes.append(8)
        case UInt8(ascii: "a"): inlineBytes.append(7)
        default: inlineBytes.append(letter)
        }
        return index + 2
    }
}

extension UInt8 {
    /// As `isspace` in the C locale.
    fileprivate var isInlineSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}
