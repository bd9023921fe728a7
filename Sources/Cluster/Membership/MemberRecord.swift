/// What this node holds of one other node of the roster, and since when.
struct MemberRecord: Sendable {
    typealias Accuser = MemberClaim.Accuser

    let id: NodeID
    /// Nil: never heard of ("absent"). Then the state is unreachable and nothing is told of it.
    var identity: PeerIdentity?
    var incarnation = Incarnation.none
    var state = MemberState.unreachable
    /// Who suspects it; empty unless it is suspect.
    var accusers: [Accuser] = []
    /// As it last said, milliseconds.
    var lag: UInt64 = 0

    // What this node alone knows of it. Monotonic milliseconds.

    /// The process at the other end of the control link.
    var linked: PeerIdentity?
    /// Since when.
    var linkedAt: UInt64?
    /// The last sign of life, by its own link or over a relay.
    var heardAt: UInt64?
    /// The last frame by its own link, since that is up.
    var directAt: UInt64?
    /// When the last answer over a relay was asked for, since there was evidence against it.
    var answeredAt: UInt64?
    /// Since when a sign of life is due. Nil: none is, because it is not present, or was not asked for one.
    var silentSince: UInt64?
    /// When relays were last asked during this silence.
    var relayedAt: UInt64?
    /// When it was last told, out of turn, how it is held.
    var toldAt: UInt64?
    /// The first and the last refused dial since it is suspect.
    var refusedAt: UInt64?
    var refusedAgainAt: UInt64?
    /// Whether the second dial after a refusal has been asked for.
    var isRedialled = false

    init(id: NodeID) {
        self.id = id
    }

    var isPresent: Bool { state == .alive || state == .suspect }

    var held: MembershipMessage.HeldView { .init(state: state, incarnation: incarnation) }

    var claim: MemberClaim? {
        identity.map { MemberClaim(identity: $0, incarnation: incarnation, state: state, accusers: accusers) }
    }

    mutating func forgetRefusals() {
        refusedAt = nil
        refusedAgainAt = nil
        isRedialled = false
    }

    /// Adds what others say to who accuses it. False: nothing new.
    mutating func merge(_ others: [Accuser]) -> Bool {
        var isChanged = false
        for accuser in others where add(accuser) { isChanged = true }
        return isChanged
    }

    /// A refused dial weighs more than silence: with the list full it takes the place of one who was not refused.
    private mutating func add(_ accuser: Accuser) -> Bool {
        if let index = accusers.firstIndex(where: { $0.id == accuser.id }) {
            guard accuser.wasRefused, !accusers[index].wasRefused else { return false }
            accusers[index] = accuser
        } else if accusers.count < MemberClaim.accusersMax {
            accusers.append(accuser)
        } else {
            guard accuser.wasRefused, let index = accusers.lastIndex(where: { !$0.wasRefused }) else { return false }
            accusers[index] = accuser
        }
        return true
    }
}
