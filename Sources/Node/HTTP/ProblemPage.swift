import Reactor

/// The page behind a problem's `type`: HTML for a browser, JSON for everybody else.
struct ProblemPage {
    let contentType: StaticString
    let body: [UInt8]

    /// `code` and `accept`: the raw path segment and the `Accept` field. Nil: there is no such code, and the answer is
    /// 404. Answers vary by `Accept`.
    init?(code: Span<UInt8>, accept: Span<UInt8>?) {
        guard let entry = ProblemEntry.named(Self.text(code)) else { return nil }
        if let accept, Self.prefersHTML(Self.text(accept)) {
            contentType = "text/html; charset=utf-8"
            body = Array(Self.html(entry).utf8)
        } else {
            contentType = "application/json"
            body = Self.json(entry)
        }
    }

    private static func text(_ bytes: Span<UInt8>) -> String {
        String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
    }

    /// Whether `text/html` is named, and not with a weight of 0 (RFC 9110 §12.5.1). Ranges like `*/*` are what programs
    /// send.
    static func prefersHTML(_ accept: String) -> Bool {
        accept.lowercased().split(separator: ",").contains { range in
            let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            return parts.first == "text/html"
                && !parts.dropFirst().contains { $0.hasPrefix("q=") && Double($0.dropFirst(2)) == 0 }
        }
    }

    private static func json(_ entry: ProblemEntry) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("code", entry.code)
            writer.member("status", Int(entry.status))
            writer.member("title", entry.title)
            writer.member("meaning", entry.meaning)
            writer.member("remedy", entry.remedy)
        }
        return writer.bytes
    }

    /// The catalogue has no character that HTML would read as markup; a test sees to it.
    private static func html(_ entry: ProblemEntry) -> String {
        """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>\(entry.code): \(entry.title)</title>
        <h1>\(entry.title)</h1>
        <p><code>\(entry.code)</code>, status \(entry.status)</p>
        <p>\(entry.meaning)</p>
        <p>\(entry.remedy)</p>
        </html>

        """
    }
}
