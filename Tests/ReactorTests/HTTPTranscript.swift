import Foundation
import Reactor

/// What a decoder makes of the bytes of one connection, as text: one line for each thing it says, body bytes joined.
///
/// The bytes come in pieces, each ending at one of `cuts`, into a buffer that is handled as a connection handles its
/// own.
func transcript(of bytes: [UInt8], cuts: some Sequence<Int>, limits: HTTPLimits = HTTPLimits()) -> String {
    var decoder = HTTPRequestDecoder(limits: limits)
    let head = HTTPRequestHead()
    var lines: [String] = []
    var body: [UInt8] = []
    var pending: [UInt8] = []
    var start = 0
    do {
        for cut in [Array(cuts), [bytes.count]].joined() {
            pending += bytes[start..<cut]
            start = cut
            var event = HTTPRequestDecoder.Event.head
            while event != .incomplete {
                let consumed: Int
                (event, consumed) = try decoder.next(pending.span, into: head)
                switch event {
                case .incomplete:
                    break
                case .head:
                    lines += describe(head)
                case .body(let range):
                    body += pending[range]
                case .end:
                    lines += ["data \(quoted(body.span))", "end"]
                    body = []
                }
                pending.removeFirst(consumed)
            }
        }
        if !body.isEmpty { lines.append("data \(quoted(body.span))") }
        lines.append(decoder.isMidRequest ? "incomplete" : "idle")
    } catch {
        if !body.isEmpty { lines.append("data \(quoted(body.span))") }
        lines.append("fault \(error.status) \(error.code)")
    }
    return lines.joined(separator: "\n") + "\n"
}

private func describe(_ head: HTTPRequestHead) -> [String] {
    var lines = ["head \(head.method.name) \(quoted(head.target)) HTTP/1.\(head.versionMinor)"]
    lines.append("    path \(quoted(head.path))")
    if !head.query.isEmpty { lines.append("    query \(quoted(head.query))") }
    for position in 0..<head.fieldCount {
        lines.append("    field \(quoted(head.name(at: position))) \(quoted(head.value(at: position)))")
    }
    for name in HTTPFieldName.allCases {
        guard let value = head[name] else { continue }
        let count = head.count(of: name)
        lines.append("    known \(name.spelling)\(count > 1 ? " \(count) times" : "") \(quoted(value))")
    }
    lines.append("    \(head.keepAlive ? "keep-alive" : "close")")
    if head.expectsContinue { lines.append("    expects 100") }
    switch head.body {
    case .none: lines.append("    no body")
    case .length(let length): lines.append("    body of \(length)")
    case .chunked: lines.append("    body in chunks")
    }
    return lines
}

/// The bytes as ASCII, all others escaped; long runs of one byte are counted.
private func quoted(_ bytes: Span<UInt8>) -> String {
    var text = "\""
    var index = 0
    while index < bytes.count {
        var end = index + 1
        while end < bytes.count && bytes[end] == bytes[index] { end += 1 }
        let run = end - index > 100 ? 1 : end - index
        let byte = bytes[index]
        let isPlain = (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
        let one = isPlain ? String(UnicodeScalar(byte)) : String(format: "\\x%02X", byte)
        text += String(repeating: one, count: run)
        if run < end - index { text += "(\(end - index) times)" }
        index = end
    }
    return text + "\""
}

/// Tests/Corpus/http, which the fuzzer and the raw-socket tests share.
enum HTTPCorpus {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Corpus/http")

    static func bytes(_ path: String) throws -> [UInt8] {
        try Array(Data(contentsOf: root.appending(path: path)))
    }

    static let validNames: [String] = names(in: "valid")
    static let smugglingNames: [String] = names(in: "smuggling")

    private static func names(in folder: String) -> [String] {
        let files = try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)
        return (files ?? []).filter { $0.hasSuffix(".http") }.sorted()
    }

    /// By vector: the code of its fault, or `-` where the hidden request is a body and stays one.
    static func smugglingFaults() throws -> [String: String] {
        let text = try String(contentsOf: root.appending(path: "smuggling/faults.txt"), encoding: .utf8)
        var faults: [String: String] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            faults[String(words[0])] = String(words[1])
        }
        return faults
    }
}
