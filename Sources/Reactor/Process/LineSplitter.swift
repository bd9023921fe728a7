/// Cuts bytes that arrive piece by piece into lines. A pure core.
package struct LineSplitter {
    private var rest: [UInt8] = []

    /// A longer line is cut here, so that one without an end takes no more memory than this.
    package static let lineMax = 64 << 10

    package init() {}

    /// The lines that `bytes` complete, without their ends.
    package mutating func take(_ bytes: Span<UInt8>) -> [String] {
        var lines: [String] = []
        for index in bytes.indices {
            let byte = bytes[index]
            if byte != UInt8(ascii: "\n") { rest.append(byte) }
            if byte == UInt8(ascii: "\n") || rest.count == Self.lineMax { lines.append(cut()) }
        }
        return lines
    }

    /// What came behind the last end of a line; nil: nothing.
    package mutating func end() -> String? { rest.isEmpty ? nil : cut() }

    private mutating func cut() -> String {
        defer { rest.removeAll(keepingCapacity: true) }
        return String(decoding: rest, as: UTF8.self)
    }
}
