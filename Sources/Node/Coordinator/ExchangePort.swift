import Cluster
import Reactor

/// The requests that the coordinators of all loops send to other nodes, and get from them, on the first loop, which has
/// the links: packs into frames what goes to one peer in one turn, and hands out what comes, each to its loop.
final class ExchangePort: @unchecked Sendable {
    // Used on the first loop only; other threads at most carry the reference back to it.

    typealias Sender = (_ payload: [UInt8], _ peer: NodeID, _ kind: LinkKind) -> Void

    private let group: LoopGroup
    private let send: Sender
    private var outbox: [NodeID: [[UInt8]]] = [:]

    /// `send`: takes a frame's payload, and sees to it that `unsent` is called if that cannot be sent.
    init(group: LoopGroup, send: @escaping Sender) {
        self.group = group
        self.send = send
    }

    private var first: EventLoop { group.loops[0] }

    /// Sends messages at the end of the turn, when other loops may have brought more.
    func post(_ messages: [[UInt8]], to peer: NodeID) {
        if outbox.isEmpty { first.atEndOfTurn { [self] in flush() } }
        outbox[peer, default: []] += messages
    }

    private func flush() {
        let messages = outbox
        outbox.removeAll(keepingCapacity: true)
        for (peer, messages) in messages.sorted(by: { $0.key < $1.key }) {
            for frame in ExchangeCodec.pack(messages) { send(frame.payload, peer, frame.kind) }
        }
    }

    /// A frame of type `exchange` has come. Throws what makes it none.
    func received(_ payload: [UInt8], from peer: NodeID) throws(WireFault) {
        var byLoop = [[ExchangeMessage]](repeating: [], count: group.loops.count)
        for message in try ExchangeCodec.decode(payload.span) {
            let loop: Int
            switch message {
            case .request(let request): loop = Int(request.head.partition.rawValue) % byLoop.count
            case .answer(let answer): loop = answer.number.loop
            }
            guard loop < byLoop.count else { throw .invalid }
            byLoop[loop].append(message)
        }
        for (loop, messages) in zip(group.loops, byLoop) where !messages.isEmpty {
            loop.executeHereOrThere { LoopParts.of(loop).executor.coordinator?.received(messages, from: peer) }
        }
    }

    /// A frame was not sent, for want of a link or of room: its requests are routed again. Whoever waits for its
    /// answers has lost the link too, or waits in vain.
    func unsent(_ payload: [UInt8], to peer: NodeID) {
        guard let messages = try? ExchangeCodec.decode(payload.span) else { return }
        var byLoop = [[ForwardNumber]](repeating: [], count: group.loops.count)
        for case .request(let request) in messages { byLoop[request.number.loop].append(request.number) }
        for (loop, numbers) in zip(group.loops, byLoop) where !numbers.isEmpty {
            loop.executeHereOrThere { LoopParts.of(loop).executor.coordinator?.unsent(numbers, to: peer) }
        }
    }

    /// A link to `peer` has broken: what is in flight to it is routed again.
    func lost(_ peer: NodeID) {
        for loop in group.loops {
            loop.executeHereOrThere { LoopParts.of(loop).executor.coordinator?.lost(peer) }
        }
    }
}

/// The way from one loop's coordinator to the port. On that loop.
final class LoopExchange: ExchangeTransport {
    private let port: ExchangePort
    private let first: EventLoop

    init(_ port: ExchangePort, first: EventLoop) {
        self.port = port
        self.first = first
    }

    func send(_ messages: [[UInt8]], to peer: NodeID) {
        let port = port
        first.executeHereOrThere { port.post(messages, to: peer) }
    }
}
