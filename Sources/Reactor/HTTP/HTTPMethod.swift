/// The methods that this server routes. Any other well-formed method is `HTTPFault.methodUnsupported`.
package enum HTTPMethod: UInt8, CaseIterable, Sendable {
    case get, head, post, put, delete, patch, options

    /// Methods are case-sensitive (RFC 9110 §9.1): `get` is another one, which nobody implements.
    init?(_ token: Span<UInt8>) {
        guard token.count <= 7 else { return nil }
        var word: UInt64 = 0
        for index in token.indices {
            word = word << 8 | UInt64(token[index])
        }
        switch word {
        case 0x47_45_54: self = .get
        case 0x48_45_41_44: self = .head
        case 0x50_4F_53_54: self = .post
        case 0x50_55_54: self = .put
        case 0x44_45_4C_45_54_45: self = .delete
        case 0x50_41_54_43_48: self = .patch
        case 0x4F_50_54_49_4F_4E_53: self = .options
        default: return nil
        }
    }

    /// Asks for no change (RFC 9110 §9.2.1).
    package var isSafe: Bool {
        switch self {
        case .get, .head, .options: true
        case .post, .put, .delete, .patch: false
        }
    }

    /// As it stands in a request line.
    package var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .patch: "PATCH"
        case .options: "OPTIONS"
        }
    }
}
