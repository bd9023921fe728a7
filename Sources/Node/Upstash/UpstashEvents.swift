import Reactor
import Services

/// One client that is sent events: what it subscribed, or every command of the node.
///
/// An event is one line of data, as Upstash writes it: `data: message,chat,hello`. Messages are sent as the bytes that
/// they are; only a line break within one begins another line of data, since it would end the event (HTML Living
/// Standard §9.2). What a client leaves unread is bounded by a `PushOutput`, as for the Redis protocol. Used on its
/// loop.
final class UpstashEvents: Subscriber, CommandMonitor {
    let subscriberID: SubscriberID
    /// Who is sent this, and as what.
    var caller: Caller
    private let command: Command
    private let words: ArgumentList
    private unowned let front: UpstashFront
    private let hub: PubSubHub
    /// Nil until the answer begins.
    private var stream: HTTPResponseStream?
    private var output: PushOutput?
    private var isEnded = false

    /// `command`: what was asked for, with its words.
    init(front: UpstashFront, _ command: Command, _ words: ArgumentList, _ caller: Caller) {
        self.front = front
        self.command = command
        self.words = words
        self.caller = caller
        hub = PubSubHub.of(front.executor.loop)
        subscriberID = SubscriberID(rawValue: front.node.makeClientID())
    }

    /// Whether `caller` may have what is sent here.
    func isPermitted(to caller: Caller) -> Bool {
        let words = words
        return caller.refusal(of: command, words.arguments) == nil
    }

    /// Begins the answer to `exchange`, which ends with its client.
    func open(_ exchange: HTTPExchange) {
        exchange.endWithClient { [self] in end() }
        let response = exchange.respond(.ok)
        front.addSyncToken(to: response)
        response.headers("Content-Type: text/event-stream\r\nCache-Control: no-store\r\n")
        response.headers("X-Content-Type-Options: nosniff\r\nX-Accel-Buffering: no\r\n")
        let stream = response.stream()
        self.stream = stream
        if let connection = stream.connection { output = hub.openOutput(subscriberID, connection) }
    }

    /// The client is gone, or is to be sent nothing more.
    func end() {
        guard !isEnded else { return }
        isEnded = true
        hub.leave(subscriberID)
        hub.removeMonitor(subscriberID)
        output?.end()
        front.didEnd(self)
        stream?.finish()
    }

    func sendHeartbeat() {
        push(Array(":\n\n".utf8))
    }

    // MARK: Events

    /// `count`: how many it had subscribed then.
    func confirm(_ word: StaticString, _ name: [UInt8], _ count: Int) {
        var event = UpstashEvent(word)
        event.append(field: name.span)
        event.append(field: "\(count)".utf8.span)
        push(event.bytes)
    }

    func confirmMonitoring() {
        push(UpstashEvent("\"OK\"").bytes)
    }

    func deliver(_ message: PublishedMessage, pattern: [UInt8]?) {
        var event = UpstashEvent(pattern == nil ? "message" : "pmessage")
        if let pattern { event.append(field: pattern.span) }
        event.append(field: message.channel.span)
        switch message.payload {
        case .bytes(let bytes): event.append(field: bytes.span)
        case .shared(let blob): event.append(field: blob.span)
        }
        push(event.bytes)
    }

    func show(_ line: [UInt8]) {
        var event = UpstashEvent("")
        event.append(line.span)
        push(event.bytes)
    }

    func drop() {
        output?.drop()
    }

    private func push(_ bytes: [UInt8]) {
        guard let stream else { return }
        output?.push { _ in stream.pass(bytes.span) }
    }
}

/// The text of one event.
struct UpstashEvent {
    private var text: [UInt8] = Array("data: ".utf8)

    /// `word`: what it begins with.
    init(_ word: StaticString) {
        text += Array(word.description.utf8)
    }

    mutating func append(field: Span<UInt8>) {
        text.append(UInt8(ascii: ","))
        append(field)
    }

    mutating func append(_ bytes: Span<UInt8>) {
        text.reserveCapacity(text.count + bytes.count + 2)
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case 0x0D:
                text += Self.lineBreak
                // A pair is one end of a line.
                if index + 1 < bytes.count, bytes[index + 1] == 0x0A { index += 1 }
            case 0x0A:
                text += Self.lineBreak
            case let byte:
                text.append(byte)
            }
            index += 1
        }
    }

    var bytes: [UInt8] { text + [0x0A, 0x0A] }

    private static let lineBreak = Array("\ndata: ".utf8)
}

// MARK: - The streams of a loop

extension UpstashFront {
    /// Answers a path that asks for events. False: it is another command, or asks for another type.
    func openEvents(_ exchange: HTTPExchange) throws(CommandError) -> Bool {
        let head = exchange.head
        guard head.method != .head, accepts(head, "text/event-stream"),
            let place = executor.table.place(of: head.firstSegment),
            case .control(let control) = executor.table.commands[place].handler
        else { return false }
        let command = executor.table.commands[place]
        guard !node.isDraining else {
            answerError(exchange, HTTPStatus(503), "ERR the node is stopping") { $0.headers("Retry-After: 1\r\n") }
            return true
        }
        switch control {
        case .subscribe: try subscribe(exchange, command, "subscribe", .channel)
        case .psubscribe: try subscribe(exchange, command, "psubscribe", .pattern)
        case .monitor: try monitor(exchange, command)
        case .multi, .exec, .discard, .watch, .unsubscribe, .punsubscribe, .hello, .quit, .reset,
            .clientReply:
            return false
        }
        return true
    }

    private func subscribe(
        _ exchange: HTTPExchange, _ command: Command, _ word: StaticString, _ kind: Subscriptions.Kind
    ) throws(CommandError) {
        let events = try makeEvents(exchange, command)
        let names = reader.words.behindFirst
        guard !names.isEmpty else { throw .arity(word.description) }
        let hub = PubSubHub.of(executor.loop)
        var counts: [Int] = []
        do throws(CommandError) {
            for name in names {
                try hub.subscribe(events, to: name, as: kind)
                counts.append(hub.count(of: events.subscriberID))
            }
        } catch {
            hub.leave(events.subscriberID)
            throw error
        }
        open(events, exchange)
        for (name, count) in zip(names, counts) { events.confirm(word, name, count) }
    }

    private func monitor(_ exchange: HTTPExchange, _ command: Command) throws(CommandError) {
        let events = try makeEvents(exchange, command)
        guard reader.words.behindFirst.isEmpty else { throw .arity("monitor") }
        open(events, exchange)
        PubSubHub.of(executor.loop).addMonitor(events)
        events.confirmMonitoring()
    }

    private func open(_ events: UpstashEvents, _ exchange: HTTPExchange) {
        streams[events.subscriberID] = events
        events.open(exchange)
        guard heartbeat == nil else { return }
        let timer = LoopTimer(loop: executor.loop) { [unowned self] in
            for events in Array(streams.values) { events.sendHeartbeat() }
        }
        timer.start(after: UpstashLimits.heartbeatInterval, every: UpstashLimits.heartbeatInterval)
        heartbeat = timer
    }

    func didEnd(_ events: UpstashEvents) {
        streams[events.subscriberID] = nil
        guard streams.isEmpty else { return }
        heartbeat?.close()
        heartbeat = nil
    }

    /// The node stops: nobody is to wait for streams that have no end.
    func endEvents() {
        for events in Array(streams.values) { events.end() }
    }

    /// A stream for who asks for it, if he may. The words of the path are then those of the reader.
    private func makeEvents(_ exchange: HTTPExchange, _ command: Command) throws(CommandError) -> UpstashEvents {
        let head = exchange.head
        try reader.readSegments(head.path)
        let (words, caller) = (reader.words, caller(of: exchange))
        if let refusal = caller.refusal(of: command, words.arguments) { throw refusal }
        return UpstashEvents(front: self, command, words, caller)
    }

    private func accepts(_ head: HTTPRequestHead, _ type: String) -> Bool {
        String(copying: head.valueOrEmpty(of: .accept)).lowercased().contains(type)
    }
}

extension ArgumentList {
    fileprivate var behindFirst: [[UInt8]] {
        let arguments = arguments
        return (1..<arguments.count).map { arguments.bytes($0) }
    }
}
