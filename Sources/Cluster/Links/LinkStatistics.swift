/// What one link has seen since the node started, all its connections together.
package struct LinkStatistics: Hashable, Sendable {
    /// Headers included, TLS not.
    package var bytesSent: UInt64 = 0
    package var bytesReceived: UInt64 = 0
    package var framesSent: UInt64 = 0
    package var framesReceived: UInt64 = 0
    /// Of those sent: there was no room for them.
    package var framesDropped: UInt64 = 0
    package var dials: UInt64 = 0
    package var dialFailures: [DialFailure: UInt64] = [:]
    /// How often it came up, and how often it was lost, by evidence.
    package var connects: UInt64 = 0
    package var losses: [LinkEvidence: UInt64] = [:]
    /// How often one connection took the place of another.
    package var replacements: UInt64 = 0
    package var isUp = false

    package init() {}
}
