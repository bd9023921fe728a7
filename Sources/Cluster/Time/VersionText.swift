import Reactor

/// A version as an entity tag: `"v` + 16 hexadecimal digits of time + 4 of node + `"`.
///
/// The tag is strong: a version names one value, byte for byte. Digits are lower-case and all there, so that each
/// version has one tag, and tags compare as text just as versions do as numbers.
extension Version {
    package static let entityTagLength = 23

    package var entityTag: InlineArray<23, UInt8> {
        var tag = InlineArray<23, UInt8>(repeating: UInt8(ascii: "\""))
        tag[1] = UInt8(ascii: "v")
        let high = Hex.digits(UInt32(truncatingIfNeeded: time >> 32))
        let low = Hex.digits(UInt32(truncatingIfNeeded: time))
        let node = Hex.digits(UInt32(node) << 16)
        for index in 0..<8 {
            tag[2 + index] = UInt8(truncatingIfNeeded: high >> (8 * index))
            tag[10 + index] = UInt8(truncatingIfNeeded: low >> (8 * index))
        }
        for index in 0..<4 {
            tag[18 + index] = UInt8(truncatingIfNeeded: node >> (8 * index))
        }
        return tag
    }

    /// The version that `text` is the tag of, quotes included; nil: it is none of ours.
    package init?(entityTag text: Span<UInt8>) {
        guard text.count == Self.entityTagLength, text[0] == UInt8(ascii: "\""), text[1] == UInt8(ascii: "v"),
            text[22] == UInt8(ascii: "\""), let time = Hex.parse(text.extracting(2..<18)),
            let node = Hex.parse(text.extracting(18..<22))
        else { return nil }
        self.init(time: time, node: UInt16(truncatingIfNeeded: node))
    }
}

/// What `If-Match` or `If-None-Match` names (RFC 9110 §13.1): any version, or some.
package enum EntityTags: Hashable, Sendable {
    case any
    case one(Version)
    /// None, or more than one. Tags that are not ours, such as `"abc"`, are left out: they match no version.
    case several([Version])

    /// How many tags of ours a list may hold.
    package static let countMax = 64

    /// Which tags a condition takes into account.
    package enum Comparison: Sendable {
        /// `If-Match`: a weak tag (`W/"…"`) never matches.
        case strong
        /// `If-None-Match`: a weak tag matches as the strong one does.
        case weak
    }

    package enum Fault: Error, Equatable {
        case malformed
        case tooMany

        /// What was expected, for the caller's error body.
        package var detail: String {
            switch self {
            case .malformed: #"expected "*", or entity tags in double quotes with commas between (RFC 9110 §8.8.3)"#
            case .tooMany: "expected at most \(EntityTags.countMax) entity tags"
            }
        }
    }

    /// Reads the value of the header; several headers of one name are joined by commas first. One tag costs no
    /// allocation.
    package init(_ header: Span<UInt8>, comparison: Comparison) throws(Fault) {
        var reader = Reader(header)
        if try reader.takeStar() {
            self = .any
            return
        }
        self = .several([])
        var tags = 0
        while let tag = try reader.next() {
            tags += 1
            guard !tag.isWeak || comparison == .weak, let version = tag.version else { continue }
            try add(version)
        }
        guard tags > 0 else { throw .malformed }
    }

    /// Whether one of the tags is that of the stored version; nil: nothing is stored, and nothing matches.
    package func matches(_ stored: Version?) -> Bool {
        guard let stored else { return false }
        switch self {
        case .any: return true
        case .one(let version): return version == stored
        case .several(let versions): return versions.contains(stored)
        }
    }

    private mutating func add(_ version: Version) throws(Fault) {
        switch self {
        case .several(var versions) where !versions.isEmpty:
            guard versions.count < Self.countMax else { throw .tooMany }
            versions.append(version)
            self = .several(versions)
        case .one(let first):
            self = .several([first, version])
        case .several, .any:
            self = .one(version)
        }
    }
}

extension EntityTags {
    /// Walks a list of tags: `[W/]"…"`, commas between them, blanks around the commas, empty elements allowed (RFC 9110
    /// §5.6.1.2).
    private struct Reader: ~Escapable {
        let text: Span<UInt8>
        var place = 0
        /// Whether a tag stands before `place`, so that a comma must come before the next.
        var needsComma = false

        @_lifetime(copy text)
        init(_ text: Span<UInt8>) {
            self.text = text
        }

        /// Whether the text is a star and nothing else; a star next to something else is malformed.
        mutating func takeStar() throws(Fault) -> Bool {
            skipBlanks()
            guard place < text.count, text[place] == UInt8(ascii: "*") else { return false }
            place += 1
            skipBlanks()
            guard place == text.count else { throw .malformed }
            return true
        }

        /// The next tag; its version is nil if it is not ours. Nil at the end of the list.
        mutating func next() throws(Fault) -> (version: Version?, isWeak: Bool)? {
            skipSeparators()
            guard place < text.count else { return nil }
            guard !needsComma else { throw .malformed }
            let isWeak = text[place] == UInt8(ascii: "W")
            if isWeak {
                guard place + 1 < text.count, text[place + 1] == UInt8(ascii: "/") else { throw .malformed }
                place += 2
            }
            let start = place
            try skipTag()
            needsComma = true
            return (Version(entityTag: text.extracting(start..<place)), isWeak)
        }

        private mutating func skipBlanks() {
            while place < text.count, text[place] == UInt8(ascii: " ") || text[place] == UInt8(ascii: "\t") {
                place += 1
            }
        }

        private mutating func skipSeparators() {
            skipBlanks()
            while place < text.count, text[place] == UInt8(ascii: ",") {
                needsComma = false
                place += 1
                skipBlanks()
            }
        }

        private mutating func skipTag() throws(Fault) {
            guard place < text.count, text[place] == UInt8(ascii: "\"") else { throw .malformed }
            place += 1
            while place < text.count, Self.isTagCharacter(text[place]) { place += 1 }
            guard place < text.count, text[place] == UInt8(ascii: "\"") else { throw .malformed }
            place += 1
        }

        /// `etagc`: visible characters but the double quote, and bytes above ASCII.
        private static func isTagCharacter(_ byte: UInt8) -> Bool {
            byte > 0x20 && byte != UInt8(ascii: "\"") && byte != 0x7f
        }
    }
}
