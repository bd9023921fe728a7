/// What a stored value is. Hashes, lists, sets, sorted sets and streams have kinds of their own when they come.
package enum ValueKind: UInt8, Sendable {
    case bytes = 0
}
