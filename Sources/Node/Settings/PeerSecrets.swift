import Reactor

/// The secrets that peers know each other by (`secretFile`): one a line, the newest first. All are accepted, the first
/// is shown; so one is replaced by writing its successor above it on every node, then taking it away.
struct PeerSecrets: Equatable, Sendable {
    /// Not empty. Newest first.
    let secrets: [[UInt8]]

    /// As TLS takes them.
    var texts: [String] { secrets.map { String(decoding: $0, as: UTF8.self) } }

    static let bytesMax = 16 << 10
    static let secretsMax = 8
    /// 128 bits in hexadecimal digits.
    static let lengthMin = 32
    /// What TLS takes as a pre-shared key.
    static let lengthMax = 256

    enum Fault: Error, Equatable, CustomStringConvertible {
        /// It cannot be read, or others than its owner may read it.
        case file(String)
        case none(path: String)
        case tooMany(path: String)
        case badLength(path: String, line: Int)

        var description: String {
            switch self {
            case .file(let fault): fault
            case .none(let path): "'\(path)' has no secret"
            case .tooMany(let path): "'\(path)' has more than \(secretsMax) secrets"
            case .badLength(let path, let line):
                "'\(path)', line \(line): a secret has \(lengthMin) to \(lengthMax) characters"
            }
        }
    }

    /// Reads the file. Blocking. Lines may end with a carriage return, and empty ones are passed over.
    static func read(_ path: String) throws(Fault) -> PeerSecrets {
        let text: [UInt8]
        do throws(HostFile.Fault) {
            text = try HostFile.contents(of: path, bytesMax: bytesMax, [.regular, .ownerOnly])
        } catch {
            throw .file("\(error)")
        }
        return try PeerSecrets(text, path: path)
    }

    init(_ text: [UInt8], path: String) throws(Fault) {
        var secrets: [[UInt8]] = []
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let secret = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            guard !secret.isEmpty else { continue }
            guard (Self.lengthMin...Self.lengthMax).contains(secret.count) else {
                throw .badLength(path: path, line: index + 1)
            }
            secrets.append(Array(secret))
        }
        guard !secrets.isEmpty else { throw .none(path: path) }
        guard secrets.count <= Self.secretsMax else { throw .tooMany(path: path) }
        self.secrets = secrets
    }
}
