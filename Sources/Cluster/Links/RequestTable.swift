import HeapModule

/// Requests under way between this node and its peers: who asked what on which stream, and until when it matters.
///
/// A core. Streams are numbered by whoever asks, so the two directions never meet; a number is used again after four
/// billion others. The deadline travels as the milliseconds that are left, since clocks differ: the way there lengthens
/// it at the other end by as much as it takes.
///
/// A request ends once: by its answer, its deadline, the loss of the link, or because it was taken back; an answer that
/// comes later finds nobody. Both tables are bounded, and what is over the bound is refused at once.
package struct RequestTable: Sendable {
    /// Asked by this node.
    private struct Asked: Sendable {
        let token: UInt64
        let deadline: UInt64
    }

    /// Asked by a peer.
    private struct Serving: Sendable {
        let peer: PeerIdentity
        let stream: UInt32
        let deadline: UInt64
    }

    private struct Stream: Hashable, Sendable {
        let peer: NodeID
        let number: UInt32
    }

    /// Something that ends at a time: a request of ours, or one that is served. Equal times end in order of `number`.
    private struct Ending: Comparable, Sendable {
        let deadline: UInt64
        let number: UInt64
        let what: What

        enum What: Sendable {
            case asked(Stream)
            case serving
        }

        static func < (left: Ending, right: Ending) -> Bool {
            (left.deadline, left.number) < (right.deadline, right.number)
        }

        static func == (left: Ending, right: Ending) -> Bool {
            (left.deadline, left.number) == (right.deadline, right.number)
        }
    }

    private var asked: [Stream: Asked] = [:]
    private var streams: [UInt64: Stream] = [:]
    private var serving: [UInt64: Serving] = [:]
    private var servingStreams: [Stream: UInt64] = [:]
    private var counts: [NodeID: Counts] = [:]
    private var lastStream: UInt32 = 0
    private var lastServed: UInt64 = 0
    private var lastEnding: UInt64 = 0
    /// What has ended meanwhile stays in it for a while.
    private var endings: Heap<Ending> = []
    private var outbox: [RequestDirective] = []

    /// How many are under way with one peer.
    private struct Counts: Sendable {
        var asked = 0
        var serving = 0
    }

    /// Requests under way to one peer, and from one peer.
    package static let perPeerMax = 4_096
    /// Bytes that a request or an answer may have.
    package static let payloadMax = LinkKind.control.payloadMax - timeSize
    private static let timeSize = 4
    /// Milliseconds that a peer may ask for.
    package static let timeMax: UInt64 = 600_000
    /// Flags of a response: the peer does not take the request.
    private static let refusal: UInt8 = 1

    package init() {}

    package var askedCount: Int { asked.count }
    package var servingCount: Int { serving.count }

    /// Nothing ends by time before; perhaps nothing at it either.
    package var nextDeadline: UInt64 { endings.min?.deadline ?? .max }
}

// MARK: - Asking

extension RequestTable {
    /// `token`: the caller's name for it, which no other request under way has. `deadline`: monotonic milliseconds.
    package mutating func ask(
        _ token: UInt64, of peer: NodeID, payload: [UInt8], deadline: UInt64, at moment: Moment
    ) -> [RequestDirective] {
        precondition(streams[token] == nil, "the token \(token) is in use")
        precondition(payload.count <= Self.payloadMax, "a request of \(payload.count) bytes")
        guard deadline > moment.monotonic else { return [.answered(token, .timedOut)] }
        guard counts[peer]?.asked ?? 0 < Self.perPeerMax else { return [.answered(token, .refused)] }
        let stream = nextStream(to: peer)
        asked[stream] = Asked(token: token, deadline: deadline)
        streams[token] = stream
        counts[peer, default: Counts()].asked += 1
        plan(deadline, .asked(stream))
        var writer = WireWriter(capacity: Self.timeSize + payload.count)
        writer.append(UInt32(min(deadline - moment.monotonic, Self.timeMax)))
        writer.append(raw: payload)
        return [.send(Frame(type: .request, stream: stream.number, payload: writer.bytes), to: peer)]
    }

    /// Whoever asked no longer waits.
    package mutating func cancel(_ token: UInt64) -> [RequestDirective] {
        guard let stream = streams[token] else { return [] }
        finish(stream, .cancelled)
        outbox.append(.send(Frame(type: .cancel, stream: stream.number), to: stream.peer))
        return takeOutbox()
    }

    private mutating func nextStream(to peer: NodeID) -> Stream {
        while true {
            lastStream &+= 1
            let stream = Stream(peer: peer, number: lastStream)
            if lastStream != 0, asked[stream] == nil { return stream }
        }
    }

    private mutating func finish(_ stream: Stream, _ outcome: RequestOutcome) {
        guard let request = asked.removeValue(forKey: stream) else { return }
        streams[request.token] = nil
        release(stream.peer) { $0.asked -= 1 }
        outbox.append(.answered(request.token, outcome))
    }
}

// MARK: - Serving

extension RequestTable {
    /// The answer to `asked`. Too late: nothing happens.
    package mutating func answer(_ token: UInt64, payload: [UInt8], at moment: Moment) -> [RequestDirective] {
        precondition(payload.count <= Self.payloadMax, "an answer of \(payload.count) bytes")
        guard let request = endServing(token), request.deadline > moment.monotonic else { return [] }
        return [.send(Frame(type: .response, stream: request.stream, payload: payload), to: request.peer.id)]
    }

    private mutating func serve(_ frame: Frame, from peer: PeerIdentity, at now: UInt64) {
        var reader = WireReader(frame.payload.span)
        let stream = Stream(peer: peer.id, number: frame.stream)
        guard let time = try? reader.number(UInt32.self), let payload = try? reader.raw(reader.remaining),
            servingStreams[stream] == nil, counts[peer.id]?.serving ?? 0 < Self.perPeerMax
        else {
            return outbox.append(
                .send(Frame(type: .response, flags: Self.refusal, stream: frame.stream), to: peer.id))
        }
        guard time > 0 else { return }
        let deadline = now + min(UInt64(time), Self.timeMax)
        lastServed += 1
        serving[lastServed] = Serving(peer: peer, stream: frame.stream, deadline: deadline)
        servingStreams[stream] = lastServed
        counts[peer.id, default: Counts()].serving += 1
        plan(deadline, .serving, number: lastServed)
        outbox.append(.asked(lastServed, from: peer, payload: payload, deadline: deadline))
    }

    private mutating func endServing(_ token: UInt64) -> Serving? {
        guard let request = serving.removeValue(forKey: token) else { return nil }
        servingStreams[Stream(peer: request.peer.id, number: request.stream)] = nil
        release(request.peer.id) { $0.serving -= 1 }
        return request
    }

    private mutating func withdraw(_ token: UInt64) {
        if endServing(token) != nil { outbox.append(.withdrawn(token)) }
    }
}

// MARK: - Links and time

extension RequestTable {
    /// A frame of the types `request`, `response` and `cancel`.
    package mutating func received(_ frame: Frame, from peer: PeerIdentity, at moment: Moment) -> [RequestDirective] {
        let stream = Stream(peer: peer.id, number: frame.stream)
        switch frame.type {
        case .request: serve(frame, from: peer, at: moment.monotonic)
        case .response: finish(stream, frame.flags == Self.refusal ? .refused : .answer(frame.payload))
        case .cancel: if let token = servingStreams[stream] { withdraw(token) }
        case .hello, .goodbye, .ping, .pong, .membership, .replication, .records, .exchange, .state:
            preconditionFailure("\(frame.type) is no request")
        }
        return takeOutbox()
    }

    /// A frame of `send` did not leave. `outcome`: `noLink` or `refused`.
    package mutating func undelivered(_ frame: Frame, to peer: NodeID, _ outcome: RequestOutcome) -> [RequestDirective]
    {
        // The other end's deadline is all that is left for an answer; a cancel is a courtesy.
        if frame.type == .request { finish(Stream(peer: peer, number: frame.stream), outcome) }
        return takeOutbox()
    }

    /// The control link to `peer` is down: nothing that is under way will be answered.
    package mutating func linkLost(_ peer: NodeID) -> [RequestDirective] {
        let lost = asked.keys.filter { $0.peer == peer }.sorted { $0.number < $1.number }
        for stream in lost { finish(stream, .linkLost) }
        for token in serving.keys.filter({ serving[$0]?.peer.id == peer }).sorted() { withdraw(token) }
        return takeOutbox()
    }

    package mutating func tick(at moment: Moment) -> [RequestDirective] {
        while let ending = endings.min, ending.deadline <= moment.monotonic {
            endings.removeMin()
            switch ending.what {
            case .asked(let stream): if asked[stream]?.deadline == ending.deadline { finish(stream, .timedOut) }
            case .serving: withdraw(ending.number)
            }
        }
        return takeOutbox()
    }

    private mutating func plan(_ deadline: UInt64, _ what: Ending.What, number: UInt64? = nil) {
        lastEnding += 1
        endings.insert(Ending(deadline: deadline, number: number ?? lastEnding, what: what))
        guard endings.count > 2 * (asked.count + serving.count) + Self.endingsSlack else { return }
        endings = Heap(endings.unordered.filter(isUnderWay))
    }

    /// Ended requests that may stand in `endings`.
    private static let endingsSlack = 64

    private func isUnderWay(_ ending: Ending) -> Bool {
        switch ending.what {
        case .asked(let stream): asked[stream]?.deadline == ending.deadline
        case .serving: serving[ending.number] != nil
        }
    }

    private mutating func release(_ peer: NodeID, _ change: (inout Counts) -> Void) {
        guard var count = counts[peer] else { return }
        change(&count)
        counts[peer] = count.asked + count.serving > 0 ? count : nil
    }

    private mutating func takeOutbox() -> [RequestDirective] {
        defer { outbox = [] }
        return outbox
    }
}
