import CCURL

/// One HTTP request and its answer, waited for: what the command line needs. Nothing on a loop may use it.
///
/// It goes straight to the node that the URL names: proxies of the environment are not for Tribe's ports, and redirects
/// are answers like others.
package struct HTTPTransfer {
    package struct Request {
        package var method: String
        /// Percent-encoded.
        package var url: String
        package var headers: [(name: String, value: String)] = []
        /// Nil: none.
        package var body: [UInt8]?
        /// For all of it, in milliseconds.
        package var timeout: Int = 5_000
        /// Certificates that are trusted, as a PEM file; nil: the system's.
        package var certificatesFile: String?
        /// Bytes of the largest body that is taken.
        package var bodyMax = 1 << 30

        package init(_ method: String, _ url: String) {
            self.method = method
            self.url = url
        }
    }

    package struct Response {
        package internal(set) var status = 0
        /// In the order in which they came.
        package internal(set) var headers: [(name: String, value: String)] = []
        package internal(set) var body: [UInt8] = []

        /// The first field of this name, in any case.
        package func header(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
    }

    package enum Fault: Error, CustomStringConvertible {
        /// It is no URL of HTTP.
        case malformedURL(String)
        /// The value of this field has control characters: one with a line break would be two fields.
        case malformedField(String)
        /// Nobody answered: no connection, no answer in time, no trust. In the words of libcurl.
        case noAnswer(String)
        case bodyTooLarge(max: Int)

        package var description: String {
            switch self {
            case .malformedURL(let reason), .noAnswer(let reason): reason
            case .malformedField(let name): "\(name) has control characters"
            case .bodyTooLarge(let max): "the answer is larger than \(max) bytes"
            }
        }
    }

    /// The version of libcurl.
    package static var libraryVersion: String {
        guard let version = unsafe curl_version() else { return "unknown" }
        return unsafe String(cString: version).split(separator: " ").first.map(String.init) ?? "unknown"
    }

    package static func perform(_ request: Request) throws(Fault) -> Response {
        for (name, value) in request.headers where value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            throw .malformedField(name)
        }
        let receiver = TransferReceiver(bodyMax: request.bodyMax)
        guard let handle = unsafe curl_easy_init() else { throw .noAnswer("libcurl has no memory") }
        defer { unsafe curl_easy_cleanup(handle) }
        var fields: UnsafeMutablePointer<curl_slist>?
        defer { unsafe curl_slist_free_all(fields) }
        // Without it libcurl waits for the interim answer before it sends a body of more than 1 MiB.
        for (name, value) in request.headers + [("Expect", "")] {
            unsafe fields = curl_slist_append(fields, value.isEmpty ? "\(name):" : "\(name): \(value)")
        }
        unsafe set(handle, request, fields, receiver)
        let code = unsafe curl_easy_perform(handle)
        if receiver.isOverflown { throw .bodyTooLarge(max: request.bodyMax) }
        guard code == CURLE_OK else { throw fault(code, request.url) }
        var status = 0
        unsafe tribe_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
        receiver.response.status = status
        return receiver.response
    }

    private static func set(
        _ handle: UnsafeMutableRawPointer, _ request: Request, _ fields: UnsafeMutablePointer<curl_slist>?,
        _ receiver: TransferReceiver
    ) {
        unsafe tribe_curl_set_text(handle, CURLOPT_URL, request.url)
        unsafe tribe_curl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        unsafe tribe_curl_set_text(handle, CURLOPT_PROXY, "")
        unsafe tribe_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
        unsafe tribe_curl_set_long(handle, CURLOPT_PATH_AS_IS, 1)
        unsafe tribe_curl_set_long(handle, CURLOPT_TIMEOUT_MS, request.timeout)
        unsafe tribe_curl_set_list(handle, CURLOPT_HTTPHEADER, fields)
        if let file = request.certificatesFile { unsafe tribe_curl_set_text(handle, CURLOPT_CAINFO, file) }
        if let body = request.body {
            unsafe body.withUnsafeBytes { bytes in
                _ = unsafe tribe_curl_set_body(handle, bytes.baseAddress ?? UnsafeRawPointer(handle), bytes.count)
            }
        }
        if request.method == "HEAD" { unsafe tribe_curl_set_long(handle, CURLOPT_NOBODY, 1) }
        unsafe tribe_curl_set_text(handle, CURLOPT_CUSTOMREQUEST, request.method)
        let context = unsafe Unmanaged.passUnretained(receiver).toOpaque()
        unsafe tribe_curl_set_sink(
            handle, CURLOPT_WRITEFUNCTION, CURLOPT_WRITEDATA,
            { bytes, _, count, context in
                guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
                let receiver = unsafe Unmanaged<TransferReceiver>.fromOpaque(context).takeUnretainedValue()
                let buffer = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
                return unsafe receiver.receive(body: buffer) ? count : 0
            }, context)
        unsafe tribe_curl_set_sink(
            handle, CURLOPT_HEADERFUNCTION, CURLOPT_HEADERDATA,
            { bytes, _, count, context in
                guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
                let receiver = unsafe Unmanaged<TransferReceiver>.fromOpaque(context).takeUnretainedValue()
                let line = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
                unsafe receiver.receive(headerLine: String(decoding: line, as: UTF8.self))
                return count
            }, context)
    }

    private static func fault(_ code: CURLcode, _ url: String) -> Fault {
        let words = unsafe String(cString: curl_easy_strerror(code))
        switch code {
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: return .malformedURL("\(url): \(words)")
        default: return .noAnswer("\(url): \(words)")
        }
    }
}

/// What libcurl's callbacks fill, all within `curl_easy_perform`.
private final class TransferReceiver {
    var response = HTTPTransfer.Response()
    private(set) var isOverflown = false
    private let bodyMax: Int

    init(bodyMax: Int) {
        self.bodyMax = bodyMax
    }

    /// False: it is more than is taken.
    func receive(body bytes: UnsafeRawBufferPointer) -> Bool {
        guard response.body.count + bytes.count <= bodyMax else {
            isOverflown = true
            return false
        }
        unsafe response.body.append(contentsOf: bytes)
        return true
    }

    /// A status line begins anew: what came before it was interim.
    func receive(headerLine line: String) {
        let line = line.filter { !$0.isNewline }
        if line.hasPrefix("HTTP/") { response.headers.removeAll() }
        guard let colon = line.firstIndex(of: ":") else { return }
        let value = line[line.index(after: colon)...]
        response.headers.append((String(line[..<colon]), String(value.drop { $0 == " " })))
    }
}
