import Reactor

/// A head read the slow and obvious way: split into lines, split the lines, look at each rule in turn.
struct NaiveHead: Equatable {
    var method: [UInt8]
    var target: [UInt8]
    var minor: Int
    var fields: [[[UInt8]]]
    var body: HTTPRequestHead.Body
    var keepAlive: Bool

    init(
        method: [UInt8], target: [UInt8], minor: Int, fields: [[[UInt8]]], body: HTTPRequestHead.Body, keepAlive: Bool
    ) {
        (self.method, self.target, self.minor) = (method, target, minor)
        (self.fields, self.body, self.keepAlive) = (fields, body, keepAlive)
    }

    /// Nil unless `bytes` are one whole head, with at most one empty line before it.
    init?(_ bytes: [UInt8]) {
        // Latin-1: one character for each byte.
        var text = String(String.UnicodeScalarView(bytes.map { UnicodeScalar($0) }))
        if text.unicodeScalars.starts(with: "\r\n".unicodeScalars) { text.unicodeScalars.removeFirst(2) }
        var lines = text.linesByCRLF
        guard lines.count >= 3, lines.removeLast().isEmpty, lines.removeLast().isEmpty else { return nil }
        let hasLooseBreak = lines.contains { $0.unicodeScalars.contains { $0 == "\r" || $0 == "\n" } }
        guard !hasLooseBreak, !lines.contains("") else { return nil }

        let words = lines[0].unicodeScalars.split(separator: " ", omittingEmptySubsequences: false).map { String($0) }
        guard words.count == 3, ["HTTP/1.0", "HTTP/1.1"].contains(words[2]) else { return nil }
        guard HTTPMethod.allCases.map(\.name).contains(words[0]) else { return nil }
        guard let authority = Self.authority(ofTarget: words[1], method: words[0]) else { return nil }
        minor = words[2] == "HTTP/1.1" ? 1 : 0
        method = Array(words[0].utf8)
        target = Array(words[1].utf8)

        var pairs: [(name: String, raw: String, value: String)] = []
        for line in lines.dropFirst() {
            guard let pair = Self.field(line) else { return nil }
            pairs.append(pair)
        }
        fields = pairs.map { [Array($0.name.utf8), $0.value.unicodeScalars.map { UInt8($0.value) }] }
        let values = { (name: String) in pairs.filter { $0.name.lowercased() == name }.map(\.value) }
        let hosts = values("host")
        guard hosts.count == 1 || hosts.isEmpty && minor == 0, hosts.allSatisfy(Self.isHost) else { return nil }
        guard authority.isEmpty || hosts.isEmpty || authority.lowercased() == hosts[0].lowercased() else { return nil }
        let expectations = values("expect")
        guard expectations.isEmpty || expectations.map({ $0.lowercased() }) == ["100-continue"] else { return nil }
        guard let body = Self.body(pairs.map { ($0.name.lowercased(), $0.raw) }, minor: minor) else { return nil }
        self.body = body
        let options = values("connection").flatMap { $0.split(separator: ",") }
            .map { Self.trimmed(String($0)).lowercased() }
        keepAlive = !options.contains("close") && (minor == 1 || options.contains("keep-alive"))
    }

    /// The authority of a target in absolute form, empty for the other forms, nil for what is none.
    private static func authority(ofTarget target: String, method: String) -> String? {
        guard target.unicodeScalars.allSatisfy({ (0x21...0x7E).contains($0.value) && $0 != "#" }) else { return nil }
        if target == "*" { return method == "OPTIONS" ? "" : nil }
        if target.hasPrefix("/") { return "" }
        guard target.lowercased().hasPrefix("http://") else { return nil }
        let authority = String(target.dropFirst(7).prefix { $0 != "/" && $0 != "?" })
        return isHost(authority) ? authority : nil
    }

    private static func isHost(_ text: String) -> Bool {
        let name = /(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f.:]+\])(?::([0-9]{1,5}))?/
        guard let match = text.wholeMatch(of: name) else { return false }
        let colons = text.prefix(while: { $0 != "]" }).filter { $0 == ":" }.count
        guard text.first != "[" || colons >= 2 else { return false }
        return match.1.map { (1...65535).contains(Int($0) ?? 0) } ?? true
    }

    private static func field(_ line: String) -> (name: String, raw: String, value: String)? {
        let scalars = Array(line.unicodeScalars)
        guard let colon = scalars.firstIndex(of: ":"), colon > 0 else { return nil }
        let name = String(String.UnicodeScalarView(scalars[..<colon]))
        let raw = String(String.UnicodeScalarView(scalars[(colon + 1)...]))
        guard name.wholeMatch(of: /[!#$%&'*+.^_`|~0-9A-Za-z-]+/) != nil else { return nil }
        guard raw.unicodeScalars.allSatisfy({ $0 == "\t" || $0.value >= 0x20 && $0.value != 0x7F }) else { return nil }
        guard !["content_length", "transfer_encoding"].contains(name.lowercased()) else { return nil }
        // http_parser takes longer names that begin like this one for it.
        guard !name.lowercased().hasPrefix("transfer-encoding") || name.count == 17 else { return nil }
        return (name, raw, trimmed(raw))
    }

    private static func body(_ fields: [(name: String, raw: String)], minor: Int) -> HTTPRequestHead.Body? {
        let lengths = fields.filter { $0.name == "content-length" }.map(\.raw)
        let encodings = fields.filter { $0.name == "transfer-encoding" }.map(\.raw)
        switch (lengths.count, encodings.count) {
        case (0, 0):
            return HTTPRequestHead.Body.none
        case (1, 0):
            guard lengths[0].wholeMatch(of: /[ ]?[0-9]+/) != nil else { return nil }
            guard let length = Int64(trimmed(lengths[0])) else { return nil }
            return length == 0 ? HTTPRequestHead.Body.none : .length(UInt64(length))
        case (0, 1):
            return minor == 1 && [" chunked", "chunked"].contains(encodings[0].lowercased()) ? .chunked : nil
        default:
            return nil
        }
    }

    private static func trimmed(_ text: String) -> String {
        var scalars = Substring(text).unicodeScalars
        while let first = scalars.first, first == " " || first == "\t" { scalars.removeFirst() }
        while let last = scalars.last, last == " " || last == "\t" { scalars.removeLast() }
        return String(scalars)
    }
}

extension String {
    var linesByCRLF: [String] {
        var parts: [[UnicodeScalar]] = [[]]
        for scalar in unicodeScalars {
            if scalar == "\n", parts[parts.count - 1].last == "\r" {
                parts[parts.count - 1].removeLast()
                parts.append([])
            } else {
                parts[parts.count - 1].append(scalar)
            }
        }
        return parts.map { String(String.UnicodeScalarView($0)) }
    }
}
