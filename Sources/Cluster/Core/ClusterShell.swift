package import Reactor

/// Performs what `ClusterCore` directs: reads the clocks, has links dialled and written to, wakes the core in time, and
/// lets an observer know what has changed. It decides nothing.
///
/// Used on its loop only. What a directive brings about at once (a write to a connection that is closed) is an input
/// like others, and waits until the directives before it are performed.
package final class ClusterShell: PeerRequests, @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    private let loop: EventLoop
    private var core: ClusterCore
    private var links: PeerLinks?
    private weak var observer: (any ClusterObserver)?
    private var random = LoopRandom()
    private var wake: LoopTimer?
    private var inputs: [ClusterInput] = []
    private var isStepping = false
    private var isClosed = false

    /// Requests of this node that are unanswered, by their tokens.
    private var questions: [UInt64: ([UInt8]?) -> Void] = [:]
    private var latestToken: UInt64 = 0
    /// What came of the file that is being read.
    private var ruling: RosterKeeper.Ruling?
    /// Who waits for a roster to be in force or not kept.
    private var waiters: [(mark: RosterMark, completion: (String?) -> Void)] = []

    /// Of the directives performed since the observer was told last.
    private var events: [MemberEvent] = []
    private var hasNewRoster = false
    private var hasChanged = false

    /// On the loop. `file`: the roster of the settings file; `kept`: the one on the disk, if there is one.
    package init(
        loop: EventLoop, own: PeerIdentity, file: Roster, kept: Roster?, settings: MembershipSettings,
        observer: any ClusterObserver
    ) {
        loop.assertInLoop()
        self.loop = loop
        self.observer = observer
        core = ClusterCore(own: own, file: file, kept: kept, settings: settings, at: Self.moment, using: &random)
    }

    /// Begins. `links` hands what happens to `linkInput`.
    package func start(_ links: PeerLinks) {
        self.links = links
        wake = LoopTimer(loop: loop) { [unowned self] in take(.wake) }
        take(.start)
    }

    /// Says to all that this node goes. The links are closed behind that by the core.
    package func leave() { take(.leave) }

    /// Closes its handles and the links.
    package func close() {
        isClosed = true
        wake?.close()
        links?.close()
        for question in questions.values { question(nil) }
        questions = [:]
    }

    // MARK: What comes in

    package func linkInput(_ input: LinkInput) { take(.link(input)) }

    /// The worst lag of the node's loops since the last call, milliseconds.
    package func lag(_ milliseconds: UInt64) { take(.lag(milliseconds: milliseconds)) }

    package func adopt(_ settings: MembershipSettings) { take(.settings(settings)) }

    /// The operator's file has this roster. What comes of it is told at once; nil: nothing, for the node is closed.
    package func read(_ file: Roster) -> RosterKeeper.Ruling? {
        precondition(!isStepping, "a file read within a step")
        guard !isClosed else { return nil }
        ruling = nil
        take(.file(file))
        guard let ruling else { preconditionFailure("a file without a ruling") }
        return ruling
    }

    /// Calls `completion` once when a roster of this mark, or one in its place, is in force, or with the reason why it
    /// could not be kept.
    package func whenInForce(_ mark: RosterMark, completion: @escaping (_ failure: String?) -> Void) {
        guard !isClosed else { return completion("the node is stopping") }
        waiters.append((mark, completion))
        tellWaiters()
    }

    package func ask(_ node: NodeID, _ payload: [UInt8], time: UInt64, completion: @escaping ([UInt8]?) -> Void) {
        guard !isClosed else { return completion(nil) }
        latestToken += 1
        questions[latestToken] = completion
        take(.ask(latestToken, of: node, payload: payload, deadline: Self.moment.monotonic + time))
    }

    /// Messages to other nodes, in their order; see `PeerMessage`.
    package func send(_ messages: [PeerMessage]) { take(.send(messages)) }

    /// Of each link since the start.
    package var linkStatistics: [(peer: NodeID, kind: LinkKind, statistics: LinkStatistics)] { core.links.statistics }

    package var snapshot: ClusterSnapshot {
        let members = core.members
        let links = members.compactMap { member in core.linkNumber(of: member).map { (member.id, $0) } }
        return ClusterSnapshot(
            own: core.own, roster: core.roster, members: members, placement: core.placement,
            links: Dictionary(uniqueKeysWithValues: links),
            conditions: core.conditions.map { ($0.condition, $0.text) }, isJoined: core.isJoined)
    }

    // MARK: Steps

    /// The clocks as they are, not as they were when the turn began: a process may be stopped at any place.
    private static var moment: Moment {
        Moment(
            monotonic: EventLoop.nanoseconds / 1_000_000, wall: UInt64(max(0, HostProcess.wallMilliseconds)))
    }

    private func take(_ input: ClusterInput) {
        loop.assertInLoop()
        guard !isClosed else { return }
        inputs.append(input)
        guard !isStepping else { return }
        isStepping = true
        var next = 0
        while next < inputs.count {
            let input = inputs[next]
            next += 1
            for directive in core.step(input, at: Self.moment, using: &random) { perform(directive) }
        }
        inputs.removeAll(keepingCapacity: true)
        isStepping = false
        tellObserver()
    }

    private func perform(_ directive: ClusterDirective) {
        switch directive {
        case .link(.rejected(let node, let reason)): observer?.rejected(node, reason)
        case .link(let link): links?.perform(link)
        case .persist(let roster): keep(roster)
        case .ruling(let ruling): self.ruling = ruling
        case .event(let event):
            events.append(event)
            hasChanged = true
        case .roster:
            (hasNewRoster, hasChanged) = (true, true)
        case .placement, .joined, .links: hasChanged = true
        case .message(let peer, _, let type, let payload):
            // Whoever takes it knows of the link that it came on.
            tellObserver()
            observer?.received(type, payload, from: peer)
        case .lost(let node): observer?.lost(node)
        case .unsent(let type, let payload, let node): observer?.unsent(type, payload, to: node)
        case .asked(let token, let peer, let payload, _): answer(token, peer, payload)
        // What this node is asked is quickly found out; an answer that nobody waits for goes nowhere.
        case .withdrawn: break
        case .answered(let token, let outcome): answered(token, outcome)
        case .condition(let condition, let text):
            hasChanged = true
            observer?.condition(condition, text: text)
        case .wake(let time):
            let now = loop.monotonicNow
            wake?.start(after: time > now ? time - now : 0)
        }
    }

    private func keep(_ roster: Roster) {
        let mark = roster.mark
        observer?.keep(roster) { [weak self] failure in
            guard let self else { return }
            take(failure.map { .rosterNotKept(mark, reason: $0) } ?? .rosterKept(mark))
            tellWaiters(notKept: failure.map { (mark, $0) })
        }
    }

    private func answer(_ token: UInt64, _ peer: PeerIdentity, _ payload: [UInt8]) {
        observer?.asked(by: peer, payload) { [weak self] answer in self?.take(.answer(token, payload: answer)) }
    }

    private func answered(_ token: UInt64, _ outcome: RequestOutcome) {
        guard let completion = questions.removeValue(forKey: token) else { return }
        if case .answer(let payload) = outcome { completion(payload) } else { completion(nil) }
    }

    // MARK: What goes out

    private func tellObserver() {
        guard hasChanged else { return }
        let (events, rosterChanged) = (events, hasNewRoster)
        (self.events, hasNewRoster, hasChanged) = ([], false, false)
        observer?.changed(snapshot, events, rosterChanged: rosterChanged)
        tellWaiters()
    }

    private func tellWaiters(notKept: (mark: RosterMark, reason: String)? = nil) {
        let current = core.roster.mark
        let all = waiters
        waiters = []
        for waiter in all {
            if current == waiter.mark || current.supersedes(waiter.mark) {
                waiter.completion(nil)
            } else if let notKept, notKept.mark == waiter.mark {
                waiter.completion(notKept.reason)
            } else {
                waiters.append(waiter)
            }
        }
    }
}

/// Who is told what happens in the cluster, and does what reaches beyond it. Used on one loop.
package protocol ClusterObserver: AnyObject {
    /// Keeps a roster on the disk and calls `completion` on this loop: nil, or why it could not be kept.
    func keep(_ roster: Roster, completion: @escaping (_ failure: String?) -> Void)
    /// Members, links, roster, placement or conditions have changed.
    func changed(_ snapshot: ClusterSnapshot, _ events: [MemberEvent], rosterChanged: Bool)
    func condition(_ condition: ClusterCondition, text: String?)
    /// Another node asks. `completion` is called on this loop.
    func asked(by peer: PeerIdentity, _ payload: [UInt8], completion: @escaping ([UInt8]) -> Void)
    /// A message of another node; see `PeerMessage`. The links are as they were told last.
    func received(_ type: FrameType, _ payload: [UInt8], from peer: PeerIdentity)
    /// A message of the type `exchange` has not left.
    func unsent(_ type: FrameType, _ payload: [UInt8], to node: NodeID)
    /// A link to that node, of either kind, has broken.
    func lost(_ node: NodeID)
    /// A connection was refused: another cluster's, a second node of one id, a protocol that is too old.
    func rejected(_ node: NodeID?, _ rejection: LinkRejection)
}
