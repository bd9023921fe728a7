import Reactor
import Services

extension HTTPExchange {
    /// What `body` makes of the key in the path, the first parameter of its route. Nil after having answered that it is
    /// no key.
    @discardableResult
    func withKey<Result>(_ body: (Span<UInt8>) -> Result) -> Result? {
        guard let match else { preconditionFailure("a key is asked of a request without a route") }
        let head = head
        let raw = head.path.extracting(match.parameters[0])
        guard raw.contains(UInt8(ascii: "%")) else {
            guard raw.count <= Self.keyMax else { return refuseKey(length: raw.count) }
            return body(raw)
        }
        var decoded: [UInt8] = []
        do throws(PercentFault) {
            try PercentCoding.decode(segment: raw, appendingTo: &decoded)
        } catch {
            respond(.invalidKey, "In the path a '%' must be followed by two hexadecimal digits.")
            return nil
        }
        guard decoded.count <= Self.keyMax else { return refuseKey(length: decoded.count) }
        return body(decoded.span)
    }

    /// Bytes of a key over HTTP.
    static let keyMax = 512

    private func refuseKey<Result>(length: Int) -> Result? {
        respond(.invalidKey, "A key has 1 to \(Self.keyMax) bytes over HTTP, not \(length).")
        return nil
    }

    /// Reads a JSON body by `read`; nil after having answered what is wrong with it. `isOptional`: an empty body reads
    /// as an empty object.
    func readJSON<Output>(
        _ body: Span<UInt8>, isOptional: Bool = false, limits: JSONLimits = JSONLimits(),
        _ read: (inout JSONFields) -> Output?
    ) -> Output? {
        let head = head
        if let type = head[.contentType], !Self.isJSON(type) {
            respond(.unsupportedMediaType, "The body must be JSON: send Content-Type: application/json.")
            return nil
        }
        let empty: [UInt8] = Array("{}".utf8)
        if isOptional, body.isEmpty { return readJSON(text: empty.span, limits, read) }
        return readJSON(text: body, limits, read)
    }

    private func readJSON<Output>(
        text: Span<UInt8>, _ limits: JSONLimits, _ read: (inout JSONFields) -> Output?
    ) -> Output? {
        var reader = JSONReader(limits: limits)
        do throws(JSONFault) {
            let value = try reader.read(text)
            let faults = JSONFaults()
            var fields = JSONFields(of: value, faults)
            let output = read(&fields)
            fields.finish()
            guard faults.isEmpty, let output else {
                respond(invalidBody: faults.report(in: value), omitted: faults.omitted)
                return nil
            }
            return output
        } catch {
            respond(malformedBody: error)
            return nil
        }
    }

    /// What curl sends for `-d` counts too: that no page of another origin gets here is settled by `BrowserRules`.
    private static func isJSON(_ type: Span<UInt8>) -> Bool {
        let essence = String(copying: type).lowercased().prefix { $0 != ";" && $0 != " " }
        return essence == "application/json" || essence.hasSuffix("+json")
            || essence == "application/x-www-form-urlencoded"
    }
}

extension String {
    init(copying bytes: Span<UInt8>) {
        var copy: [UInt8] = []
        for index in bytes.indices { copy.append(bytes[index]) }
        self.init(decoding: copy, as: UTF8.self)
    }
}

extension HTTPResponse {
    /// The header fields of JSON made here. No answer is one that a browser might take for a page, whatever it quotes.
    func jsonHeaders() {
        headers("Content-Type: application/json\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n")
    }
}
