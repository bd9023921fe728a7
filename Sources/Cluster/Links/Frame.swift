/// One message on a link.
package struct Frame: Hashable, Sendable {
    package let type: FrameType
    /// What the type makes of it: of HELLO the kind of link, of GOODBYE the reason, of a response whether it is one, of
    /// types that may be cut which part this is.
    package let flags: UInt8
    /// Which request it belongs to; 0: none.
    package let stream: UInt32
    package let payload: [UInt8]

    package init(type: FrameType, flags: UInt8 = 0, stream: UInt32 = 0, payload: [UInt8] = []) {
        self.type = type
        self.flags = flags
        self.stream = stream
        self.payload = payload
    }

    /// Bytes of it on the wire, but for the headers of further parts.
    package var size: Int { FrameCodec.headerSize + payload.count }
}

// A message that is longer than a frame of the control link goes in parts: other frames pass between them, so that a
// value of many megabytes holds up no heartbeat. `OutboundQueue` cuts and `FrameDecoder` joins; nobody else sees parts.
// Of one connection only one message at a time is under way in parts.
extension Frame {
    /// Bytes that a message which may be cut may have: the longest value, and a megabyte for all that goes with it.
    package static let messageMax = 65 << 20
    /// Bytes of one part. A longer message is cut on either kind of link.
    package static let partMax = LinkKind.control.payloadMax

    /// Flags of all parts but the last.
    static let part: UInt8 = 1
    /// Flags of the last part.
    static let lastPart: UInt8 = 3

    /// Whether it goes in parts.
    package var isLong: Bool { type.mayBeCut && payload.count > Self.partMax }
}

/// Numbers are for ever: what a version of the protocol does not know it refuses.
package enum FrameType: UInt8, CaseIterable, Sendable {
    /// The first frame of each side. See `Hello`.
    case hello = 1
    /// The last frame of a side. See `GoodbyeReason`.
    case goodbye = 2
    /// Asks for any frame, by an end that has sent something and hears nothing.
    case ping = 3
    case pong = 4
    /// See `MembershipMessage`.
    case membership = 5
    /// Milliseconds left (UInt32), then what is asked.
    case request = 6
    case response = 7
    /// Whoever asked no longer waits.
    case cancel = 8
    /// See `ReplicationMessage`.
    case replication = 9
    /// See `RecordMessage`.
    case records = 10
    /// A request that another node is to carry out, or the answer to one. This layer does not look inside.
    case exchange = 11
    /// See `StateMessage`.
    case state = 12

    /// The links' own frames, which nobody else gets to see.
    package var isOfLink: Bool {
        switch self {
        case .hello, .goodbye, .ping, .pong: true
        case .membership, .request, .response, .cancel, .replication, .records, .exchange, .state: false
        }
    }

    /// Whether a message may be longer than a frame.
    package var mayBeCut: Bool {
        switch self {
        case .replication, .exchange: true
        case .hello, .goodbye, .ping, .pong, .membership, .request, .response, .cancel, .records, .state: false
        }
    }
}

/// The two connections of a pair of nodes. What is long goes over the one where it holds up nobody.
package enum LinkKind: UInt8, CaseIterable, Sendable {
    /// Heartbeats, gossip, requests.
    case control = 0
    /// Snapshots, migration.
    case bulk = 1

    /// Bytes that a frame's payload may have.
    package var payloadMax: Int {
        switch self {
        case .control: 64 << 10
        case .bulk: 1 << 20
        }
    }
}

/// What becomes of a frame whose peer reads too slowly.
package enum FrameClass: CaseIterable, Sendable {
    /// The link's own: a few bytes, always taken.
    case link
    /// The oldest goes.
    case gossip
    /// It is refused, and whoever asked is told.
    case request
    /// The link is closed: what follows would make no sense without it.
    case replication
}

/// Why an end stops writing. After it comes nothing more from there.
package enum GoodbyeReason: UInt8, CaseIterable, Sendable {
    /// This reason is not known here: a later version's.
    case unknown = 0
    /// The node stops.
    case leaving = 1
    /// Another connection takes the place of this one. No failure.
    case replaced = 2
    case wrongCluster = 3
    /// No version of the protocol is common.
    case version = 4
    /// Another node of that id, with another data directory, is still heard.
    case uidConflict = 5
    /// A later start of this node is connected.
    case bootSuperseded = 6
    case notInRoster = 7
    /// HELLO names another node than the key, or than the one that was dialled.
    case wrongIdentity = 8
    /// A bulk link without its control link.
    case noControl = 9
    /// It is closed on purpose: the peer is held unreachable, or is silent, or the secret has gone.
    case closed = 10
    /// What the peer sent cannot be.
    case malformed = 11

    package var frame: Frame { Frame(type: .goodbye, flags: rawValue) }

    package init(_ frame: Frame) { self = GoodbyeReason(rawValue: frame.flags) ?? .unknown }
}
