import Reactor

/// All tokens that are valid now. It never changes: another file is another table.
final class TokenTable: Sendable {
    let tokens: [Token]
    private let byDigest: [[UInt8]: Token]

    static let countMax = 1_000

    /// `former`: the table that this one takes the place of.
    init(_ entries: [TokenEntry], former: TokenTable? = nil) {
        precondition(entries.count <= Self.countMax, "\(entries.count) tokens")
        tokens = entries.map { entry in
            guard let old = former?.token(known: entry.digest) else { return Token(entry) }
            let token = Token(entry, former: old)
            return token.isSame(as: old) ? old : token
        }
        byDigest = Dictionary(uniqueKeysWithValues: tokens.map { ($0.digest.bytes, $0) })
    }

    /// The token that somebody presents. Every entry is compared, by its digest: how long that takes tells nothing.
    func token(presented: Span<UInt8>) -> Token? {
        guard presented.count <= Self.lengthMax else { return nil }
        let digest = SHA256Digest(of: presented)
        var found: Token?
        for token in tokens where token.digest.isEqual(to: digest) { found = token }
        return found
    }

    /// Longer ones are not looked at.
    static let lengthMax = 1_024

    /// The token of a digest that is no secret, since it comes from another table.
    func token(known digest: SHA256Digest) -> Token? { byDigest[digest.bytes] }
}

// MARK: - The tokens file

extension TokenTable {
    /// Bytes of a tokens file.
    static let fileMax = 4 << 20

    /// Reads the text of a tokens file; throws all that is wrong with it.
    static func entries(in text: Span<UInt8>) throws(TokenFaults) -> [TokenEntry] {
        switch read(text) {
        case .success(let entries): return entries
        case .failure(let faults): throw faults
        }
    }

    private static func read(_ text: Span<UInt8>) -> Result<[TokenEntry], TokenFaults> {
        var reader = JSONReader(limits: JSONLimits(bytesMax: fileMax))
        do throws(JSONFault) {
            let value = try reader.read(text)
            let faults = JSONFaults()
            let entries = TokenShapes.file.read(value, faults)
            if faults.isEmpty, let entries { return .success(entries) }
            return .failure(TokenFaults(faults: faults.report(in: value)))
        } catch {
            return .failure(TokenFaults(faults: [error]))
        }
    }
}

/// All that is wrong with a tokens file, each with its place.
struct TokenFaults: Error {
    let faults: [JSONFault]
}

private enum TokenShapes {
    static let file = JSONShape<[TokenEntry]> { value, faults in
        let entries = JSONShape.array(of: entry, countMax: TokenTable.countMax).read(value, faults)
        if var elements = value.elements { checkOnce(&elements, faults) }
        return entries
    }

    /// A name or digest that stands twice would make it chance which entry counts.
    private static func checkOnce(_ elements: inout JSONElements, _ faults: JSONFaults) {
        var (names, digests): (Set<String>, Set<String>) = ([], [])
        while let element = elements.next() {
            if let member = element.member("name"), let name = member.string, !names.insert(name).inserted {
                faults.add(.invalidValue, at: member, "an earlier token has the name \"\(name)\"")
            }
            if let member = element.member("sha256"), let digest = member.string, !digests.insert(digest).inserted {
                faults.add(.invalidValue, at: member, "an earlier token has this digest")
            }
        }
    }

    private static let entry = JSONShape<TokenEntry>.object { fields in
        let name = fields.required("name", name)
        let digest = fields.required("sha256", digest)
        let roles = fields.required("roles", .array(of: .word, countMax: RoleName.allCases.count)) as [RoleName]?
        let keys = fields.optional("keys", patterns)
        let queues = fields.optional("queues", patterns)
        let rate = fields.optional("rate", rate)
        if roles?.isEmpty ?? false { fields.fault("roles", "a token without a role is of no use") }
        guard let name, let digest, let roles else { return nil }
        return TokenEntry(name: name, digest: digest, roles: roles, keys: keys, queues: queues, rate: rate)
    }

    private static let name = JSONShape<String>.text("a name of 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-'") { text in
        TokenName.isValid(text) ? text : nil
    }

    /// Not quoted when it is wrong: somebody may have written the token itself.
    private static let digest = JSONShape<SHA256Digest> { value, faults in
        if let text = value.string, let digest = SHA256Digest(hex: text.utf8.span) { return digest }
        faults.add(
            .invalidValue, at: value, "expected the SHA-256 of the token: 64 digits 0-9 and a-f in lower case")
        return nil
    }

    private static let patterns = JSONShape<[String]>.array(
        of: .text("a pattern of 1 to \(NamePatterns.lengthMax) bytes") { text in
            (1...NamePatterns.lengthMax).contains(text.utf8.count) ? text : nil
        }, countMax: NamePatterns.countMax)

    private static let rate = JSONShape<RateLimit>.object { fields in
        let perSecond = fields.required("perSecond", .integer(in: 1...RateLimit.max))
        let burst = fields.required("burst", .integer(in: 1...RateLimit.max))
        guard let perSecond, let burst else { return nil }
        return RateLimit(perSecond: perSecond, burst: burst)
    }
}

enum TokenName {
    static let lengthMax = 64

    static func isValid(_ text: String) -> Bool {
        (1...lengthMax).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
