import Cluster

/// What clients of commands are told of a request that nobody did, in the words that clients of Redis clusters know:
/// those that `CLUSTERDOWN` and `TRYAGAIN` have tried again are requests that were not done.
extension CommandError {
    static let crossSlot = CommandError("CROSSSLOT Keys in request don't hash to the same slot")
    static let noPrimary = CommandError("CLUSTERDOWN No node could answer for this key in time. Nothing was done")
    static let stoodStill = CommandError("CLUSTERDOWN This node stood still for a while. Nothing was done")
    static let tooBusy = CommandError("TRYAGAIN Too many requests for this key are under way. Nothing was done")
    static let outcomeUnknown = CommandError(
        "ERR the request was not answered in time. It may still have had its effect")
    static let outcomeForgotten = CommandError(
        "ERR the request was tried several times. It may have had its effect; what came of it is not known any more")
    static let notEnoughCopies = CommandError(
        "NOREPLICAS Fewer nodes than asked for have confirmed the write, which may stand")
    static let tooLongForPeers = CommandError(
        "ERR another node has this key, and the request is longer than what goes from node to node")
    static let peerUnreadable = CommandError(
        "ERR the node that has this key runs another version and did not understand the request")
}

extension Reply {
    init(_ ending: Forwarder.Ending) {
        switch ending {
        case .answered(.done(let outcome)):
            do throws(WireFault) { self = try ReplyCodec.decode(outcome.bytes) } catch {
                self = .error(.peerUnreadable)
            }
        case .answered(.refused(let refusal)): self = .error(CommandError(refusal))
        case .answered(.reroute), .unanswered(mayStand: false): self = .error(.noPrimary)
        case .unanswered(mayStand: true): self = .error(.outcomeUnknown)
        case .full: self = .error(.tooBusy)
        case .stale: self = .error(.stoodStill)
        }
    }
}

extension CommandError {
    init(_ refusal: ForwardRefusal) {
        switch refusal {
        case .notEnoughCopies, .tooFewNodes: self = .notEnoughCopies
        case .forgotten: self = .outcomeForgotten
        case .late: self = .noPrimary
        case .full: self = .tooBusy
        case .unreadable: self = .peerUnreadable
        case .tooLong: self = .tooLongForPeers
        }
    }
}
