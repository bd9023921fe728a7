import Cluster
import Logging
import Reactor

/// This node's part in the cluster, on its first loop: publishes to the other loops what the cluster is like, asks
/// other nodes and answers them.
final class NodeCluster: @unchecked Sendable {
    // Used on the first loop only; other threads at most carry the reference back to it.

    private let node: NodeContext
    private(set) var view: ClusterView
    /// Events so far.
    private var eventCount: UInt64 = 0
    private let logger: Logger
    private let dataDirectory: DataDirectory?
    /// Nil: this node is alone.
    private var shell: ClusterShell?
    private var links: PeerLinks?
    /// Nil: this node is alone.
    var replication: NodeReplication?
    private var conditionsKnown: [ClusterCondition: String] = [:]
    /// Conditions that have changed since the last snapshot was published, in order; nil: one that has ended.
    private var conditionsChanged: [(condition: ClusterCondition, text: String?)] = []

    /// How long (ms) a member may take to say how it is.
    private static let answerTime: UInt64 = 1_000

    private var loop: EventLoop { node.group.loops[0] }

    init(_ node: NodeContext, _ dataDirectory: DataDirectory?, logger: Logger) {
        self.node = node
        self.dataDirectory = dataDirectory
        self.logger = logger
        view = node.clusterAtStart
    }

    // MARK: Life

    /// Opens the peer port and finds the other nodes. `kept`: the roster on the disk; `secrets`: nil: peers prove
    /// nothing. On the first loop.
    func start(kept: Roster?, claim: PortClaim, secrets: PeerSecrets?) throws {
        let shell = ClusterShell(
            loop: loop, own: node.identity.peer, file: view.snapshot.roster, kept: kept,
            settings: node.settings.membership, observer: self)
        let links = try PeerLinks(
            loop: loop, claim: claim, secrets: secrets?.texts, own: node.identity.peer.id
        ) { [unowned shell] in shell.linkInput($0) }
        (self.shell, self.links) = (shell, links)
        shell.start(links)
    }

    /// Puts what was read anew in force.
    func adopt(_ secrets: PeerSecrets?) {
        guard let links, let secrets else { return }
        do throws(TLSFault) {
            try links.replaceSecrets(secrets.texts)
        } catch {
            logger.warning("the secrets of peers stay as they are", metadata: ["reason": "\(error)"])
        }
    }

    /// Of each link; none: this node is alone.
    var linkStatistics: [(peer: NodeID, kind: LinkKind, statistics: LinkStatistics)] { shell?.linkStatistics ?? [] }

    /// Messages to other nodes, in their order.
    func send(_ messages: [PeerMessage]) { shell?.send(messages) }

    /// This node is about to go: others are to have its partitions.
    func handOver() { replication?.leave() }

    /// Says to the others that this node goes.
    func leave() { shell?.leave() }

    func close() {
        shell?.close()
        replication?.close()
    }

    /// By how much (ms) some loop of the node was late at worst since the last call.
    func lag(_ milliseconds: UInt64) { shell?.lag(milliseconds) }

    // MARK: Settings

    func adopt(_ settings: MembershipSettings) { shell?.adopt(settings) }

    /// What comes of the roster of a settings file that was read anew; nil: it is in force as a matter of course.
    func read(_ roster: Roster) -> RosterKeeper.Ruling? { shell?.read(roster) }

    /// Calls `completion` when `roster`, or a newer one, is in force, or with the reason why it is not.
    func whenInForce(_ roster: Roster, completion: @escaping (_ failure: String?) -> Void) {
        guard let shell else {
            publish(view.snapshot.with(roster), rosterChanged: roster.mark != view.snapshot.roster.mark)
            return completion(nil)
        }
        shell.whenInForce(roster.mark, completion: completion)
    }

    // MARK: Publishing

    /// Lets every loop have a snapshot that has changed, with what happened in between.
    func publish(_ snapshot: ClusterSnapshot, members: [MemberEvent] = [], rosterChanged: Bool = false) {
        let time = loop.now
        var events: [ClusterEventLog.Entry] = []
        func number() -> UInt64 {
            eventCount += 1
            return eventCount
        }
        if rosterChanged { events.append(.init(number: number(), snapshot.roster, time: time)) }
        for event in members { events.append(.init(number: number(), event, time: time)) }
        for (condition, text) in conditionsChanged {
            events.append(.init(number: number(), condition, text: text, time: time))
        }
        conditionsChanged = []
        let former = view
        view = ClusterView(
            snapshot: snapshot, versions: former.versions.filter { snapshot.roster[$0.key] != nil }, http: former.http,
            resp: former.resp)
        spread(events)
        guard rosterChanged else { return }
        node.live.adopt(snapshot.roster)
        let hosts = snapshot.roster.hostNames
        for loop in node.group.loops {
            loop.executeHereOrThere { LoopParts.of(loop).adopt(hosts: hosts) }
        }
    }

    private func note(version: String, of id: NodeID) {
        guard view.versions[id] != version else { return }
        view.versions[id] = version
        spread([])
    }

    private func spread(_ events: [ClusterEventLog.Entry]) {
        let view = view
        for loop in node.group.loops {
            loop.executeHereOrThere { LoopParts.of(loop).cluster.adopt(view, events) }
        }
    }

    // MARK: Asking and answering

    /// Asks every member how it is; `completion` is called on this loop with what has come in time.
    func gatherFigures(completion: @escaping @Sendable (ClusterStatus) -> Void) {
        let members = view.snapshot.members
        let answers = Answers(from: members.count) { [self] figures in
            completion(ClusterStatus(view: view, figures: figures))
        }
        for member in members {
            if member.id == view.snapshot.own.id {
                gatherOwnFigures { answers.add(member.id, $0) }
            } else {
                askFigures(of: member) { answers.add(member.id, $0) }
            }
        }
    }

    /// What a node says of itself, and so which version it runs. Nil: it does not answer.
    private func askFigures(of member: Member, completion: @escaping (NodeFigures?) -> Void) {
        guard let shell, member.isPresent else { return completion(nil) }
        shell.ask(member.id, PeerQuestion.figures.payload, time: Self.answerTime) { [self] answer in
            let figures = answer.flatMap { NodeFigures(bytes: $0) }
            if let figures { note(version: figures.version, of: member.id) }
            completion(figures)
        }
    }

    /// Answers what another node asks; an empty answer says that this one does not know the question.
    private func answer(_ payload: [UInt8], completion: @escaping ([UInt8]) -> Void) {
        switch PeerQuestion(payload: payload) {
        case .figures: gatherOwnFigures { completion($0.bytes) }
        case nil: completion([])
        }
    }

    private func gatherOwnFigures(completion: @escaping (NodeFigures) -> Void) {
        let box = LoopBox(completion)
        NodeFigures.gather(node, on: loop) { box.value($0) }
    }

    /// Learns which version a member runs that has come.
    func meet(_ id: NodeID) {
        guard let member = view.snapshot[id], id != view.snapshot.own.id else { return }
        askFigures(of: member) { _ in }
    }
}

extension NodeCluster: ClusterObserver {
    func keep(_ roster: Roster, completion: @escaping (_ failure: String?) -> Void) {
        guard let dataDirectory else { return completion(nil) }
        loop.offload {
            do throws(HostFile.Fault) {
                try dataDirectory.keep(roster)
                return String?.none
            } catch {
                return "\(error)"
            }
        } completion: {
            completion($0)
        }
    }

    func changed(_ snapshot: ClusterSnapshot, _ events: [MemberEvent], rosterChanged: Bool) {
        replication?.adopt(snapshot)
        publish(snapshot, members: events, rosterChanged: rosterChanged)
        for event in events {
            log(event)
            if event.state == .alive { meet(event.id) }
        }
        guard rosterChanged else { return }
        logger.info(
            "roster in force",
            metadata: [
                "generation": "\(snapshot.roster.generation)",
                "nodes": "\(snapshot.roster.nodes.map(\.id.text).joined(separator: ","))",
            ])
    }

    private func log(_ event: MemberEvent) {
        let level: Logger.Level = event.state == .suspect || event.state == .unreachable ? .warning : .info
        logger.log(
            level: level, "member is \(event.state.word)",
            metadata: ["member": "\(event.id)", "before": "\(event.previous.word)", "cause": "\(event.cause.rawValue)"])
    }

    func condition(_ condition: ClusterCondition, text: String?) {
        guard conditionsKnown[condition] != text else { return }
        conditionsKnown[condition] = text
        conditionsChanged.append((condition, text))
        if let text {
            logger.warning("condition", metadata: ["condition": "\(condition.rawValue)", "detail": "\(text)"])
        } else {
            logger.info("condition has ended", metadata: ["condition": "\(condition.rawValue)"])
        }
    }

    func asked(by peer: PeerIdentity, _ payload: [UInt8], completion: @escaping ([UInt8]) -> Void) {
        answer(payload) { completion($0) }
    }

    func received(_ type: FrameType, _ payload: [UInt8], from peer: PeerIdentity) {
        replication?.received(type, payload, from: peer)
    }

    func unsent(_ type: FrameType, _ payload: [UInt8], to node: NodeID) { replication?.unsent(payload, to: node) }

    func lost(_ node: NodeID) { replication?.lost(node) }

    func rejected(_ node: NodeID?, _ rejection: LinkRejection) {
        logger.warning(
            rejection.isByPeer ? "refused by a peer" : "peer refused",
            metadata: ["peer": "\(node?.text ?? "unknown")", "reason": "\(rejection.detail)"])
    }
}

/// Waits until all have answered. Used on one loop.
private final class Answers: @unchecked Sendable {
    // Only the loop that gathers touches it.

    private var figures: [NodeID: NodeFigures] = [:]
    private var open: Int
    private let completion: ([NodeID: NodeFigures]) -> Void

    init(from count: Int, completion: @escaping ([NodeID: NodeFigures]) -> Void) {
        open = count
        self.completion = completion
    }

    func add(_ id: NodeID, _ answer: NodeFigures?) {
        figures[id] = answer
        open -= 1
        if open == 0 { completion(figures) }
    }
}

/// Carries what belongs to one loop through a call that comes back to it.
private final class LoopBox<Value>: @unchecked Sendable {
    // Made and used on one loop.

    let value: Value

    init(_ value: Value) { self.value = value }
}
