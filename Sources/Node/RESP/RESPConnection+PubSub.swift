import Reactor
import Services

// Subscribing over the Redis protocol. In RESP2 a client that has subscribed may do little else, because a message
// looks like a reply; in RESP3 messages are pushes, and every command is allowed.

extension RESPConnection: Subscriber {
    var subscriberID: SubscriberID { SubscriberID(rawValue: session.id) }

    private var hub: PubSubHub { PubSubHub.of(connection.loop) }

    func deliver(_ message: PublishedMessage, pattern: [UInt8]?) {
        let version = session.version
        pushes?.push(sharedCount: message.sharedCount) { output in
            let writer = RESPWriter(output, version)
            if let pattern {
                writer.push(4)
                writer.bulk("pmessage")
                writer.bulk(pattern.span)
            } else {
                writer.push(3)
                writer.bulk("message")
            }
            writer.bulk(message.channel.span)
            switch message.payload {
            case .bytes(let bytes): writer.bulk(bytes.span)
            case .shared(let blob): writer.bulk(blob)
            }
        }
    }

    /// What this connection is pushed goes through this.
    func openPushes() {
        if pushes == nil { pushes = hub.openOutput(subscriberID, connection) }
    }

    func subscribe(_ arguments: Arguments, as kind: Subscriptions.Kind) throws(CommandError) {
        try refuseInTransaction()
        openPushes()
        for index in 1..<arguments.count {
            let name = arguments.bytes(index)
            try hub.subscribe(self, to: name, as: kind)
            confirm(kind == .channel ? "subscribe" : "psubscribe", name)
        }
    }

    /// Without names: from all of the kind.
    func unsubscribe(_ arguments: Arguments, from kind: Subscriptions.Kind) throws(CommandError) {
        try refuseInTransaction()
        let names =
            arguments.count > 1
            ? (1..<arguments.count).map { arguments.bytes($0) } : hub.names(of: subscriberID, kind)
        let word: StaticString = kind == .channel ? "unsubscribe" : "punsubscribe"
        for name in names {
            hub.unsubscribe(subscriberID, from: name, as: kind)
            confirm(word, name)
        }
        if names.isEmpty { confirm(word, nil) }
    }

    /// One message for each name, as Redis sends them: there is no reply beside.
    private func confirm(_ word: StaticString, _ name: [UInt8]?) {
        session.channelCount = hub.count(of: subscriberID, .channel)
        session.patternCount = hub.count(of: subscriberID, .pattern)
        let count = session.channelCount + session.patternCount
        pushInTurn { writer in
            writer.push(3)
            writer.bulk(word)
            if let name { writer.bulk(name.span) } else { writer.null() }
            writer.integer(Int64(count))
        }
    }

    func refuseInTransaction() throws(CommandError) {
        guard session.transaction != nil else { return }
        breakTransaction()
        throw CommandError("ERR Command not allowed inside a transaction")
    }

    /// Ends subscriptions and MONITOR without a word: the connection is closed or reset.
    func leavePubSub() {
        guard pushes != nil else { return }
        hub.leave(subscriberID)
        session.channelCount = 0
        session.patternCount = 0
        stopMonitoring()
    }

    /// Why `command` is not done in the state that this connection is in, if that is so.
    func refusal(of command: Command) -> CommandError? {
        if session.isConfinedToSubscriptions, !command.flags.contains(.whileSubscribed) {
            let reason =
                "Can't execute '\(command.name)': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
                + "allowed in this context"
            guard case .control(.exec) = command.handler else { return CommandError("ERR \(reason)") }
            return CommandError("EXECABORT Transaction discarded because of: \(reason)")
        }
        if session.isMonitor, !command.flags.isDisjoint(with: [.write, .readonly]) {
            return CommandError("ERR Replica can't interact with the keyspace")
        }
        return nil
    }
}

extension RESPWriter {
    /// A word of the protocol.
    fileprivate func bulk(_ word: StaticString) {
        bulk(unsafe Span(_unsafeStart: word.utf8Start, count: word.utf8CodeUnitCount))
    }
}
