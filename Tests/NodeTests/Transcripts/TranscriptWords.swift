/// The words of a command as a transcript spells them.
struct TranscriptWords {
    private let line: [UInt8]
    private let now: UInt64
    private var index = 0

    /// The words of `line`; `now`: milliseconds since 1970.
    static func split(_ line: String, now: UInt64) -> [[UInt8]] {
        var reader = TranscriptWords(line: Array(line.utf8), now: now)
        var words: [[UInt8]] = []
        while let word = reader.next() { words.append(word) }
        return words
    }

    private init(line: [UInt8], now: UInt64) {
        self.line = line
        self.now = now
    }

    private var current: UInt8? { index < line.count ? line[index] : nil }

    private mutating func next() -> [UInt8]? {
        while current == UInt8(ascii: " ") { index += 1 }
        guard let first = current else { return nil }
        return first == UInt8(ascii: "\"") ? quoted() : bare()
    }

    private mutating func bare() -> [UInt8] {
        let start = index
        while let byte = current, byte != UInt8(ascii: " ") { index += 1 }
        let word = Array(line[start..<index])
        guard word.first == UInt8(ascii: "{") else { return word }
        let text = String(decoding: word.dropFirst().dropLast(), as: UTF8.self)
        let isSeconds = !text.hasPrefix("ms")
        guard let offset = Int64(text.drop { $0.isLetter }) else { preconditionFailure("no time: {\(text)}") }
        return Array("\(Int64(isSeconds ? now / 1_000 : now) + offset)".utf8)
    }

    private mutating func quoted() -> [UInt8] {
        var word: [UInt8] = []
        repeat {
            if current == UInt8(ascii: "+") { index += 1 }
            let piece = piece()
            let times = current == UInt8(ascii: "*") ? count() : 1
            for _ in 0..<times { word += piece }
        } while current == UInt8(ascii: "+")
        return word
    }

    private mutating func piece() -> [UInt8] {
        var piece: [UInt8] = []
        index += 1
        while let byte = current, byte != UInt8(ascii: "\"") {
            index += 1
            piece.append(byte == UInt8(ascii: "\\") ? escape() : byte)
        }
        index += 1
        return piece
    }

    private mutating func escape() -> UInt8 {
        guard let letter = current else { preconditionFailure("a backslash ends a line") }
        index += 1
        switch letter {
        case UInt8(ascii: "n"): return 10
        case UInt8(ascii: "r"): return 13
        case UInt8(ascii: "t"): return 9
        case UInt8(ascii: "x"):
            defer { index += 2 }
            guard let byte = UInt8(String(decoding: line[index..<index + 2], as: UTF8.self), radix: 16) else {
                preconditionFailure("no byte in hexadecimal")
            }
            return byte
        default: return letter
        }
    }

    private mutating func count() -> Int {
        index += 1
        let start = index
        while let byte = current, (0x30...0x39).contains(byte) { index += 1 }
        guard let count = Int(String(decoding: line[start..<index], as: UTF8.self)) else {
            preconditionFailure("no number behind *")
        }
        return count
    }
}
