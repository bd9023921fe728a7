// Which connections there should be between this node and the others, and which of those that are there count.
//
// Each pair of nodes has one link of each kind. Both ends may dial it, for neither knows whether the other can; the
// higher id waits a moment longer. So two connections of one kind can meet, and both ends have to keep the same one
// without asking each other. Both know of each connection who dialled it, and the round that its HELLO names:
//
//   1. Of two starts (boot ids) of a node the newer counts. What is connected to the older is closed.
//   2. Between the same two starts the higher round counts. A node dials with a round above all that it has dialled or
//      seen, so a dial made because a connection was lost, or is to be replaced, beats the one that the other end may
//      still believe in.
//   3. Of one round, that is of dials that crossed, the one by the lower UID.
//
// The one that goes ends without loss: each end says GOODBYE on it once it writes to the other instead, and reads on
// until it hears GOODBYE. The link has never been down.
//
// A second UID for an id whose link is up is refused (two machines with one id, or a wiped one whose predecessor is
// still heard). A bulk link is dialled by whoever dialled control, after it, and falls with it.
//
// Nothing is asked of a peer while nothing is sent to it: an idle link costs nothing, however many there are.

/// The links of a node as a core. It numbers dials, and is told by `LinkInput` what came of its directives.
package struct LinkTable: Sendable {
    package let own: PeerIdentity
    package let settings: LinkSettings
    package internal(set) var roster: Roster
    /// The other nodes of the roster, in ascending order of their ids.
    var peers: [Peer] = []
    var connections: [ConnectionID: Connection] = [:]
    /// Nothing is due before this monotonic time; perhaps nothing at it either.
    package internal(set) var nextDeadline = UInt64.max

    /// Rises when a control link comes up, goes down or has another connection.
    package internal(set) var revision: UInt64 = 0
    var lastDialled: UInt64 = 0
    var isLeaving = false
    var outbox: [LinkDirective] = []

    /// Another node of the roster.
    struct Peer: Sendable {
        var node: RosterNode
        var control = Way()
        var bulk = Way()

        subscript(kind: LinkKind) -> Way {
            get { kind == .control ? control : bulk }
            set { if kind == .control { control = newValue } else { bulk = newValue } }
        }
    }

    /// How it stands with one kind of link to one peer.
    struct Way: Sendable {
        /// The connection that is written to; it is open.
        var current: ConnectionID?
        /// The dial under way, up to its HELLO.
        var dialled: ConnectionID?
        /// When to dial next; nil: there is no reason to.
        var dialAt: UInt64?
        /// What was waited for before the last dial; 0: nothing has failed since the link was up.
        var wait: UInt64 = 0
        /// The highest that was dialled or seen.
        var round: UInt32 = 0
        var statistics = LinkStatistics()
    }

    /// From the dial or accept to the close.
    struct Connection: Sendable {
        var phase: Phase
        /// Accepted: nil until HELLO.
        var kind: LinkKind?
        /// Dialled: whom. Accepted: whom the key proves, then whom HELLO names.
        var peer: NodeID?
        /// Of its dialler.
        var round: UInt32 = 0
        /// When it is given up; nil: it need not hurry.
        var deadline: UInt64?
        /// Since when something has been sent and nothing heard.
        var unansweredSince: UInt64?
        var hasAsked = false
        var isOutdated = false
    }

    enum Phase: Sendable {
        /// Dialled, not connected.
        case dialling
        /// Dialled, our HELLO is sent.
        case greeting
        /// Accepted, no HELLO has come.
        case accepted
        /// HELLO has come and was answered.
        case open(Session)
    }

    struct Session: Sendable {
        let peer: PeerIdentity
        /// Ours is said: nothing more is written.
        var hasSaidGoodbye = false
        /// Theirs is heard: nothing more comes.
        var hasHeardGoodbye = false
    }

    package init(own: PeerIdentity, roster: Roster, settings: LinkSettings = LinkSettings()) {
        self.own = own
        self.roster = roster
        self.settings = settings
        peers = roster.nodes.filter { $0.id != own.id }.map { Peer(node: $0) }
    }

    func place(of id: NodeID) -> Int? {
        var (low, high) = (0, peers.count)
        while low < high {
            let middle = (low + high) / 2
            if peers[middle].node.id < id { low = middle + 1 } else { high = middle }
        }
        return low < peers.count && peers[low].node.id == id ? low : nil
    }

    func session(_ connection: ConnectionID?) -> Session? {
        guard let connection, case .open(let session) = connections[connection]?.phase else { return nil }
        return session
    }

    mutating func remind(at time: UInt64) { nextDeadline = min(nextDeadline, time) }

    mutating func takeOutbox() -> [LinkDirective] {
        defer { outbox = [] }
        return outbox
    }
}

// MARK: - What is held

extension LinkTable {
    /// Who is at the other end of the link to `id`; nil: it is down.
    package func peer(_ id: NodeID, _ kind: LinkKind = .control) -> PeerIdentity? {
        guard let place = place(of: id) else { return nil }
        return session(peers[place][kind].current)?.peer
    }

    /// The number of the connection that carries the control link to `id`, another after each break and when another
    /// connection takes its place: what was sent on one may be lost, or come later than what is sent on the next. Nil:
    /// the link is down, or the node at its other end is another start than `identity`.
    package func number(of identity: PeerIdentity) -> UInt64? {
        guard let place = place(of: identity.id), let current = peers[place].control.current,
            session(current)?.peer == identity
        else { return nil }
        return current.rawValue
    }

    /// Of each link that ever was, in ascending order of the peers' ids.
    package var statistics: [(peer: NodeID, kind: LinkKind, statistics: LinkStatistics)] {
        peers.flatMap { peer in
            LinkKind.allCases.map { kind in
                var statistics = peer[kind].statistics
                statistics.isUp = peer[kind].current != nil
                return (peer.node.id, kind, statistics)
            }
        }
    }
}

// MARK: - Entry points

extension LinkTable {
    /// The first dials. Before that the table only answers.
    package mutating func start(at moment: Moment) -> [LinkDirective] {
        for place in peers.indices { planFirstDial(to: place, at: moment.monotonic) }
        dialWhatIsDue(at: moment.monotonic)
        return takeOutbox()
    }

    package mutating func step(
        _ input: LinkInput, at moment: Moment, using random: inout some RandomNumberGenerator
    ) -> [LinkDirective] {
        let now = moment.monotonic
        switch input {
        case .accepted(let connection, let claimed): accepted(connection, claimed, at: now)
        case .connected(let connection): connected(connection, at: now)
        case .dialFailed(let connection, let failure): dialFailed(connection, failure, at: now, using: &random)
        case .received(let connection, let frame): received(connection, frame, at: now, using: &random)
        case .closed(let connection, let cause): closed(connection, cause, at: now, using: &random)
        case .undelivered(let connection, let frame): undelivered(connection, frame)
        case .outdated(let connection): outdated(connection, at: now)
        case .tick: tick(at: now, using: &random)
        }
        return takeOutbox()
    }

    /// The way of a frame to a node; nil: the link is down.
    package mutating func write(
        _ frame: Frame, to id: NodeID, _ kind: LinkKind, _ frameClass: FrameClass, at moment: Moment
    ) -> LinkDirective? {
        let payloadMax = frame.type.mayBeCut ? Frame.messageMax : kind.payloadMax
        precondition(frame.payload.count <= payloadMax, "\(frame.payload.count) bytes in a frame of \(kind)")
        guard let place = place(of: id), let connection = peers[place][kind].current else { return nil }
        noteSent(frame, on: connection, at: moment.monotonic)
        return .write(connection, frame, class: frameClass)
    }

    /// Dials at once if there is neither a link nor a dial under way. What comes of it is evidence.
    package mutating func dialNow(_ id: NodeID, at moment: Moment) -> [LinkDirective] {
        guard let place = place(of: id), !isLeaving, peers[place].control.current == nil else { return [] }
        peers[place].control.wait = 0
        peers[place].control.dialAt = moment.monotonic
        dialWhatIsDue(place, .control, at: moment.monotonic)
        return takeOutbox()
    }

    /// Closes the links to a node that is held unreachable. They are dialled again as after any loss.
    package mutating func closeLinks(to id: NodeID, at moment: Moment) -> [LinkDirective] {
        guard let place = place(of: id) else { return [] }
        end(place, .control, saying: .closed, evidence: .closed)
        planDial(to: place, .control, in: settings.redialMin, at: moment.monotonic)
        return takeOutbox()
    }

    /// Another roster is in force.
    package mutating func rosterChanged(_ roster: Roster, at moment: Moment) -> [LinkDirective] {
        for place in peers.indices where roster[peers[place].node.id] == nil {
            end(place, .control, saying: .notInRoster, evidence: .closed)
            forgetDials(to: place)
        }
        let before = peers
        self.roster = roster
        peers = roster.nodes.filter { $0.id != own.id }.map { node in
            var peer = before.first { $0.node.id == node.id } ?? Peer(node: node)
            peer.node = node
            return peer
        }
        for place in peers.indices where !before.contains(where: { $0.node.id == peers[place].node.id }) {
            planFirstDial(to: place, at: moment.monotonic)
        }
        dialWhatIsDue(at: moment.monotonic)
        return takeOutbox()
    }

    /// The node stops: says so on every link, and takes and makes no more.
    package mutating func leave(at moment: Moment) -> [LinkDirective] {
        isLeaving = true
        revision += 1
        for connection in connections.keys.sorted() { refuse(connection, .leaving) }
        for place in peers.indices {
            peers[place].control = Way(statistics: peers[place].control.statistics)
            peers[place].bulk = Way(statistics: peers[place].bulk.statistics)
        }
        nextDeadline = .max
        return takeOutbox()
    }
}
