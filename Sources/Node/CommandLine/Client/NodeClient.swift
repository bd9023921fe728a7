import Reactor

/// Asks one node over HTTP, and turns what goes wrong into one line for people.
struct NodeClient {
    /// Scheme, host and port, without a slash at the end.
    let base: String
    var token: String?
    var certificatesFile: String?
    /// Milliseconds.
    var timeout = 5_000

    init(base: String) {
        self.base = base.hasSuffix("/") ? String(base.dropLast()) : base
    }

    private static let tokenField = "Authorization"

    /// The answer to a request, whatever its status. `path` begins with a slash and is percent-encoded.
    func ask(
        _ method: String, _ path: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil,
        waitingFor wait: Int = 0
    ) throws(CommandFailure) -> HTTPTransfer.Response {
        var request = HTTPTransfer.Request(method, base + path)
        request.headers = headers
        if let token { request.headers.append((Self.tokenField, "Bearer \(token)")) }
        request.body = body
        request.timeout = timeout + wait
        request.certificatesFile = certificatesFile
        do {
            return try HTTPTransfer.perform(request)
        } catch {
            switch error {
            case .malformedURL(let reason): throw CommandFailure(kind: .usage, message: "\(reason) (TRIBE_URL, --url)")
            case .malformedField(let name):
                let place = name == Self.tokenField ? "TRIBE_TOKEN" : name
                throw CommandFailure(kind: .usage, message: "\(place) has a line break or another control character")
            case .noAnswer(let reason): throw CommandFailure(kind: .unreachable, message: "no answer from \(reason)")
            case .bodyTooLarge: throw CommandFailure(kind: .negative, message: "\(error)")
            }
        }
    }

    /// The answer to a request that has to succeed.
    func request(
        _ method: String, _ path: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil
    ) throws(CommandFailure) -> HTTPTransfer.Response {
        let response = try ask(method, path, headers: headers, body: body)
        guard (200..<300).contains(response.status) else { throw Self.failure(response) }
        return response
    }

    /// What a refusal says: the words of the problem, or those of the Upstash front, or the bare status.
    static func failure(_ response: HTTPTransfer.Response) -> CommandFailure {
        let kind: CommandFailure.Kind = response.status == 401 || response.status == 403 ? .forbidden : .negative
        let hint = response.status == 401 ? " (the token is read from TRIBE_TOKEN)" : ""
        guard let document = try? JSONDocument(response.body) else {
            return CommandFailure(kind: kind, message: "the node answered \(response.status)\(hint)")
        }
        let words = document.root.member("detail")?.string ?? document.root.member("error")?.string ?? "no reason given"
        let code = document.root.member("code")?.string.map { " \($0)" } ?? ""
        return CommandFailure(kind: kind, message: "\(response.status)\(code): \(words)\(hint)")
    }

    /// The path of a key: each byte that is no plain letter or digit percent-encoded, and so legal whatever it is.
    static func path(ofKey key: String) throws(CommandFailure) -> String {
        guard !key.isEmpty, key.utf8.count <= 512, key != ".", key != ".." else {
            throw CommandFailure(
                kind: .usage, message: "a key over HTTP has 1 to 512 bytes and is not '.' or '..': use `tribe redis`")
        }
        return "/v1/cache/" + percentEncoded(key)
    }

    static func percentEncoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return encoded
    }
}
