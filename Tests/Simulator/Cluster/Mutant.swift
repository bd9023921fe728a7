/// A bug that somebody might write, put where a node meets the world: its messages, its clock, its disk, its sockets.
/// The shipping code knows nothing of it. A simulation that finds none of them proves nothing.
package enum Mutant: String, CaseIterable, Sendable {
    /// Its own incarnation stays as it was at the start, whatever is said of it.
    case skipRefutation = "skip-refutation"
    /// What is said of a member under an older incarnation is taken for news.
    case acceptOlderIncarnation = "accept-older-incarnation"
    /// A loop that stood still goes through the rounds it missed as if it had been awake.
    case forgetStall = "forget-stall"
    /// Of two rosters of one generation every other node keeps its own, whatever their hashes.
    case breakTiesPerNode = "break-ties-per-node"
    /// Its placement is salted with its own name.
    case seedPlacementPerNode = "seed-placement-per-node"
    /// A start goes by the operator's file alone, though a later roster was kept.
    case adoptLowerGeneration = "adopt-lower-generation"
    /// A roster counts before it is on the disk.
    case confirmBeforeSync = "confirm-before-sync"
    /// Nobody is asked to reach a silent member.
    case noIndirectProbes = "no-indirect-probes"
    /// A connection that another has replaced stays open.
    case keepReplacedLinks = "keep-replaced-links"
    /// Each dial of a peer waits twice as long as the last, without an end.
    case backOffWithoutEnd = "back-off-without-end"
    /// A suspicion is taken for a death.
    case noSuspicion = "no-suspicion"
    /// A time from far ahead is taken over.
    case trustAnyClock = "trust-any-clock"
    /// A start takes the boot id of the last one.
    case reuseBootID = "reuse-boot-id"
    /// Rosters are named and never sent.
    case sendNoRosters = "send-no-rosters"
    /// A round of heartbeats goes to one random peer.
    case beatOnePeer = "beat-one-peer"
    /// The last heartbeat of each peer is heard again and again.
    case hearEchoes = "hear-echoes"
    /// Whole states are never sent.
    case forgetPushPull = "forget-push-pull"
    /// Nothing is said of others, nor of how they are held.
    case spreadNoRumours = "spread-no-rumours"
    /// A refused dial is taken for one without an answer.
    case ignoreEvidence = "ignore-evidence"
    /// Who is probed says nothing, nor over a relay.
    case answerNoProbes = "answer-no-probes"
    /// A loop that stood still says nothing of itself for two seconds.
    case returnSlowly = "return-slowly"
}
