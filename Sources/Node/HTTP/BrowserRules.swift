import Reactor

/// What keeps a web page from using the browser of somebody who can reach this node.
///
/// A page of another origin may send requests that it cannot read the answers of, so nothing that changes anything is
/// taken from one. A page may also have its own name resolve to this node's address (DNS rebinding) and then be of the
/// same origin, so the name in `Host` must be one that a browser cannot be given from outside: an address, `localhost`,
/// a single label, or a host of the roster.
enum BrowserRules {
    /// Why a request is refused.
    enum Refusal {
        case host, origin

        var code: ProblemCode {
            switch self {
            case .host: .hostNotAllowed
            case .origin: .crossOrigin
            }
        }

        var detail: String {
            switch self {
            case .host: "Host must be an IP address, localhost, a name without dots, or a host of the roster."
            case .origin: "A page of another origin may not change anything here."
            }
        }
    }

    /// False after having answered that the request is refused.
    static func allow(_ exchange: HTTPExchange, hosts: [String]) -> Bool {
        let head = exchange.head
        guard let refusal = refusal(of: head, hosts: hosts, isChange: !head.method.isSafe) else { return true }
        exchange.respond(refusal.code, refusal.detail)
        return false
    }

    /// False after having answered that a page of another origin may not change anything.
    static func allowChange(_ exchange: HTTPExchange) -> Bool {
        guard comesFromElsewhere(exchange.head) else { return true }
        exchange.respond(Refusal.origin.code, Refusal.origin.detail)
        return false
    }

    /// Nil: the request is allowed, if it changes something (`isChange`) or not.
    static func refusal(of head: HTTPRequestHead, hosts: [String], isChange: Bool) -> Refusal? {
        if let host = head[.host], !isKnown(host, hosts: hosts) { return .host }
        return isChange && comesFromElsewhere(head) ? .origin : nil
    }

    private static func comesFromElsewhere(_ head: HTTPRequestHead) -> Bool {
        if let site = head[.secFetchSite], site.isEqual(to: "cross-site") || site.isEqual(to: "same-site") {
            return true
        }
        guard let origin = head[.origin] else { return false }
        guard let host = head[.host] else { return true }
        let schemeLength = origin.starts(with: "http://") ? 7 : origin.starts(with: "https://") ? 8 : -1
        guard schemeLength > 0 else { return true }
        return !origin.extracting(schemeLength...).isEqual(to: host)
    }

    /// `host`: a name or address with an optional port, which the gate has found well-formed.
    static func isKnown(_ host: Span<UInt8>, hosts: [String]) -> Bool {
        if !host.isEmpty, host[0] == UInt8(ascii: "[") { return true }
        var end = 0
        var dots = 0
        var isNumeric = true
        while end < host.count, host[end] != UInt8(ascii: ":") {
            let byte = host[end]
            if byte == UInt8(ascii: ".") {
                dots += 1
            } else if byte < UInt8(ascii: "0") || byte > UInt8(ascii: "9") {
                isNumeric = false
            }
            end += 1
        }
        if dots == 0 || (isNumeric && dots == 3) { return true }
        let name = host.extracting(..<end)
        return hosts.contains { name.isEqualIgnoringCase(to: $0) }
    }
}

extension Span<UInt8> {
    func isEqual(to text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && starts(with: text)
    }

    func starts(with text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard count >= length else { return false }
        for index in 0..<length where unsafe self[index] != text.utf8Start[index] { return false }
        return true
    }

    func isEqualIgnoringCase(to text: String) -> Bool {
        guard count == text.utf8.count else { return false }
        for (index, byte) in text.utf8.enumerated() where self[index] | 0x20 != byte | 0x20 { return false }
        return true
    }
}
