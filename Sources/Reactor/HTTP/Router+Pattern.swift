/// The pattern of a route, `/v1/cache/{key}/touch`: segments between slashes, each a text or a parameter.
///
/// A parameter stands for exactly one raw segment that is not empty, so an escaped slash (`%2F`) stays inside it. An
/// empty segment may only be the last: `/` is the root, and `/a/` is another path than `/a`.
package struct RoutePattern: Hashable, Sendable {
    package static let parametersMax = 4

    package let text: String
    package let segments: [Segment]

    package enum Segment: Hashable, Sendable {
        case text(String)
        case parameter(Parameter)
    }

    package struct Parameter: Hashable, Sendable {
        package let name: String
        package let kind: Kind
    }

    /// What a parameter accepts, of the raw bytes of its segment; the narrowest first, which is how the router tries
    /// them. An escape is a `%` here: it fits `any` alone, and who decodes that has to look again.
    package enum Kind: UInt8, CaseIterable, Sendable {
        /// 1 to 19 digits: an unsigned number that fits 64 bits.
        case int
        /// Letters, digits, `_` and `-`.
        case word
        /// Everything.
        case any
    }

    package init(_ text: String) throws(RouterFault) {
        guard text.first == "/" else { throw .malformed(text, "it must begin with '/'") }
        var segments: [Segment] = []
        let pieces = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for (index, piece) in pieces.enumerated() {
            guard !piece.isEmpty || index == pieces.count - 1 else { throw .malformed(text, "a segment is empty") }
            do throws(SegmentFault) {
                segments.append(try Segment(piece))
            } catch {
                throw .malformed(text, "'\(piece)' \(error.reason)")
            }
        }
        self.text = text
        self.segments = segments
        let names = parameters.map(\.name)
        guard names.count <= Self.parametersMax else {
            throw .malformed(text, "it has more than \(Self.parametersMax) parameters")
        }
        guard Set(names).count == names.count else { throw .malformed(text, "two parameters have one name") }
    }

    package var parameters: [Parameter] {
        segments.compactMap { segment in
            switch segment {
            case .text: nil
            case .parameter(let parameter): parameter
            }
        }
    }

    /// The pattern as OpenAPI writes it: parameters without their kinds.
    package var template: String {
        segments.map { segment in
            switch segment {
            case .text(let text): "/\(text)"
            case .parameter(let parameter): "/{\(parameter.name)}"
            }
        }.joined()
    }
}

/// The rest of a sentence that begins with the segment.
private struct SegmentFault: Error {
    let reason: String
}

extension RoutePattern.Segment {
    fileprivate init(_ piece: Substring) throws(SegmentFault) {
        guard piece.contains(where: { $0 == "{" || $0 == "}" }) else {
            self = .text(try Self.checked(piece))
            return
        }
        guard piece.first == "{", piece.last == "}" else {
            throw SegmentFault(reason: "must be a text or a parameter, not both")
        }
        let parts = piece.dropFirst().dropLast().split(separator: ":", omittingEmptySubsequences: false)
        guard let name = parts.first, Self.isName(name), parts.count <= 2 else {
            throw SegmentFault(reason: "is not of the form {name} or {name:kind}, the name in letters")
        }
        guard let kind = Kind(parts.count == 2 ? parts[1] : nil) else {
            throw SegmentFault(reason: "has a kind that is neither int nor word")
        }
        self = .parameter(RoutePattern.Parameter(name: String(name), kind: kind))
    }

    private typealias Kind = RoutePattern.Kind

    private static func isName(_ name: Substring) -> Bool {
        !name.isEmpty && name.allSatisfy { $0.isASCII && $0.isLetter }
    }

    /// A text of RFC 3986's unreserved characters: it has one spelling, and the router compares raw bytes.
    private static func checked(_ text: Substring) throws(SegmentFault) -> String {
        guard text != ".", text != ".." else { throw SegmentFault(reason: "is collapsed by clients") }
        guard text.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-._~".contains($0)) }) else {
            throw SegmentFault(reason: "has a character that is not one of A-Z a-z 0-9 - . _ ~")
        }
        return String(text)
    }
}

extension RoutePattern.Kind {
    fileprivate init?(_ word: Substring?) {
        switch word {
        case nil: self = .any
        case "int": self = .int
        case "word": self = .word
        default: return nil
        }
    }
}

/// Why a router could not be built. A bug of the route table, found at start.
package enum RouterFault: Error, Hashable, Sendable {
    case malformed(_ pattern: String, _ reason: String)
    /// Two routes of one method and one shape: the second could never be reached.
    case clash(_ first: String, _ second: String)
    /// Two routes name the parameter of one position differently: to clients they are one path.
    case namesDiffer(_ first: String, _ second: String)
}

extension RouterFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformed(let pattern, let reason): "the pattern \(pattern) is malformed: \(reason)"
        case .clash(let first, let second): "\(first) and \(second) match the same requests"
        case .namesDiffer(let first, let second): "\(first) and \(second) give one parameter two names"
        }
    }
}
