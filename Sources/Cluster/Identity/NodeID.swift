/// The name of a node, from the roster: 1 to 32 of `a` to `z`, `0` to `9` and `-`.
package struct NodeID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let text: String

    package static let lengthMax = 32

    /// Nil: `text` is no name of a node.
    package init?(_ text: String) {
        guard (1...Self.lengthMax).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed) else { return nil }
        self.text = text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }

    package static func < (left: NodeID, right: NodeID) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    package var description: String { text }
}
