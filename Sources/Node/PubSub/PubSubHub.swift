import Reactor
import Services

/// Publishing on one loop: who subscribes here, and the way to those who subscribe on others. Used on its loop.
///
/// A message is delivered on the publisher's own loop at once and sent to every other loop that has subscribers. The
/// inboxes of loops keep the order of one sender, so messages of one publisher reach each subscriber in order.
final class PubSubHub: @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    let node: NodeContext
    let loop: EventLoop
    private var subscriptions = Subscriptions()
    private var subscribers: [SubscriberID: any Subscriber] = [:]
    private var outputs: [SubscriberID: PushOutput] = [:]
    var monitors: [any CommandMonitor] = []
    /// Lines for monitors on other loops, to be sent in the next turn.
    var linesToSend: [[UInt8]] = []
    var linesToSendBytes = 0
    private(set) var statistics = PubSubStatistics()
    /// What the clients dropped in this turn held: part of it is free when their sockets are closed, in the next.
    private var leaving = 0

    /// After so many deliveries of one message it is looked at whether too much is unread.
    private static let deliveriesUnlookedMax = 64
    /// More than this for other loops is not kept until the next turn.
    static let linesBytesMax = 1 << 20

    init(node: NodeContext, loop: EventLoop) {
        self.node = node
        self.loop = loop
    }

    var outputMax: Int { node.live.outputMax }

    static func of(_ loop: EventLoop) -> PubSubHub { LoopParts.of(loop).pubsub }
}

/// What is counted, and what there is, on one loop.
struct PubSubStatistics: Sendable {
    var channels = 0
    var patterns = 0
    var messages = 0
    var dropped = 0
    var subscribers = 0
    var monitors = 0
}

// MARK: - Subscribing

extension PubSubHub {
    /// Subscribes `name`; once is enough.
    func subscribe(
        _ subscriber: any Subscriber, to name: [UInt8], as kind: Subscriptions.Kind
    ) throws(CommandError) {
        let cost = Subscriptions.cost(of: name)
        guard node.cache.account.reserve(cost) else { throw .outOfMemory }
        var isNew = false
        defer { if !isNew { node.cache.account.release(cost) } }
        do throws(Subscriptions.Fault) {
            isNew = try subscriptions.subscribe(subscriber.subscriberID, to: name, as: kind)
        } catch {
            throw CommandError(error, subscriptions.limits)
        }
        guard isNew else { return }
        subscribers[subscriber.subscriberID] = subscriber
        node.pubsub.addSubscriptions(1, loop: loop.index)
        updateStatistics()
    }

    /// Ends the subscription of `name`, if there is one.
    func unsubscribe(_ id: SubscriberID, from name: [UInt8], as kind: Subscriptions.Kind) {
        guard subscriptions.unsubscribe(id, from: name, as: kind) else { return }
        node.cache.account.release(Subscriptions.cost(of: name))
        node.pubsub.addSubscriptions(-1, loop: loop.index)
        if count(of: id) == 0 { subscribers[id] = nil }
        updateStatistics()
    }

    /// Ends all subscriptions of one who is gone, without a word to him.
    func leave(_ id: SubscriberID) {
        guard subscribers[id] != nil else { return }
        for kind in Subscriptions.Kind.allCases {
            for name in subscriptions.names(of: id, kind) { unsubscribe(id, from: name, as: kind) }
        }
    }

    /// What `id` has subscribed, in order.
    func names(of id: SubscriberID, _ kind: Subscriptions.Kind) -> [[UInt8]] { subscriptions.names(of: id, kind) }

    func count(of id: SubscriberID, _ kind: Subscriptions.Kind) -> Int { subscriptions.count(of: id, kind) }

    /// Channels and patterns together: what replies to (un)subscribing say.
    func count(of id: SubscriberID) -> Int { count(of: id, .channel) + count(of: id, .pattern) }

    func updateStatistics() {
        statistics.channels = subscriptions.channelCount
        statistics.patterns = subscriptions.patternCount
        statistics.subscribers = subscribers.count
        statistics.monitors = monitors.count
    }
}

// MARK: - Questions about this loop

extension PubSubHub {
    var channelNames: [[UInt8]] { subscriptions.channelNames }
    var patternNames: [[UInt8]] { subscriptions.patternNames }
    func subscriberCount(of channel: [UInt8]) -> Int { subscriptions.subscriberCount(of: channel) }
}

// MARK: - Publishing

extension PubSubHub {
    typealias Receipt = Result<Int, CommandError>

    /// Delivers `message` on every loop and calls `completion` here, now or later, once, with how many got it.
    func publish(_ message: PublishedMessage, completion: @escaping @Sendable (Receipt) -> Void) {
        statistics.messages &+= 1
        // Of a cluster, the other nodes would get the message here, in the same way as the other loops.
        let others = node.pubsub.subscribedLoops(besides: loop.index)
        let receipt = deliver(message)
        guard !others.isEmpty else { return completion(receipt) }
        let collected = Collected<Receipt>(from: others.count) { receipts in
            completion(Self.sum([receipt] + receipts))
        }
        for other in others {
            let (other, home) = (node.group.loops[other], loop)
            other.execute {
                let receipt = PubSubHub.of(other).deliver(message)
                home.execute { collected.add([receipt]) }
            }
        }
    }

    private static func sum(_ receipts: [Receipt]) -> Receipt {
        var count = 0
        for receipt in receipts {
            switch receipt {
            case .success(let more): count += more
            case .failure: return receipt
            }
        }
        return .success(count)
    }

    /// Delivers to those of this loop.
    private func deliver(_ message: PublishedMessage) -> Receipt {
        do throws(Subscriptions.Fault) {
            var count = 0
            for audience in try subscriptions.audiences(of: message.channel) {
                for id in audience.subscribers {
                    // One who has ended since gets nothing, and counts as one who had not yet.
                    subscribers[id]?.deliver(message, pattern: audience.pattern)
                    count += 1
                    if count % Self.deliveriesUnlookedMax == 0 { dropSlowestIfOver() }
                }
            }
            dropSlowestIfOver()
            return .success(count)
        } catch {
            return .failure(CommandError(error, subscriptions.limits))
        }
    }
}

extension CommandError {
    init(_ fault: Subscriptions.Fault, _ limits: Subscriptions.Limits) {
        switch fault {
        case .nameTooLong:
            self.init(
                "ERR a channel has at most \(limits.channelLengthMax) bytes, a pattern \(limits.patternLengthMax)")
        case .full:
            self.init("ERR max number of subscriptions reached")
        case .tooMuchWork:
            self.init("ERR the channel cannot be compared with all patterns that are subscribed")
        }
    }
}

// MARK: - Slow readers

extension PubSubHub {
    /// What `connection` is pushed goes through this, which is ended with it.
    func openOutput(_ id: SubscriberID, _ connection: TCPConnection) -> PushOutput {
        let output = PushOutput(id: id, connection: connection, hub: self)
        outputs[id] = output
        return output
    }

    func didEnd(_ output: PushOutput) { outputs[output.id] = nil }

    func charge(_ bytes: Int) { node.pubsub.backlog.charge(bytes, loop: loop.index) }

    func countDropped() { statistics.dropped &+= 1 }

    /// Drops the clients that have left most unread until what the node holds for all of them fits, or asks the loop
    /// that has the slowest to do so.
    func dropSlowestIfOver() {
        let backlog = node.pubsub.backlog
        guard backlog.used - leaving > backlog.bytesMax else { return }
        // Those who read get what this turn has brought, and owe nothing then.
        for output in Array(outputs.values) where output.unread > 0 { output.writeNow() }
        guard backlog.used - leaving > backlog.bytesMax else { return }
        let fullest = backlog.fullestLoop
        if fullest == loop.index {
            dropSlowest()
        } else if backlog.ask(fullest) {
            let other = node.group.loops[fullest]
            other.execute {
                backlog.answered(other.index)
                PubSubHub.of(other).dropSlowestIfOver()
            }
        }
    }

    /// A quarter is made free, so that the look at all clients is paid for by what is pushed until the next.
    private func dropSlowest() {
        let backlog = node.pubsub.backlog
        var excess = backlog.used - leaving - backlog.bytesMax / 4 * 3
        let slowest = outputs.values.filter { $0.unread > 0 }
            .sorted { ($0.unread, $1.id.rawValue) > ($1.unread, $0.id.rawValue) }
        for output in slowest {
            guard excess > 0 else { return }
            let (unread, shared) = (output.unread, output.sharedUnread)
            excess -= unread
            output.drop()
            isLeaving(shared)
        }
    }

    private func isLeaving(_ bytes: Int) {
        if leaving == 0, bytes > 0 { loop.execute { [self] in leaving = 0 } }
        leaving += bytes
    }
}
