import Reactor

/// Somebody who subscribes; the number is never used again.
package struct SubscriberID: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// Who on one loop listens to which channels and patterns.
///
/// A core: it says who gets a message, and others deliver it. Every answer is in a fixed order, that of subscribing:
/// channels before patterns, patterns in the order in which each was first subscribed, subscribers in theirs.
///
/// Every number in it has a limit, and comparing a channel with the patterns is limited as work: one comparison may
/// cost the length of the channel times that of the pattern.
package struct Subscriptions: Sendable {
    package struct Limits: Sendable {
        /// Bytes of the name of a channel.
        package var channelLengthMax = 32 << 10
        /// Bytes of a pattern.
        package var patternLengthMax = 1 << 10
        /// Bytes of all patterns together, each counted once: a message is compared with all.
        package var patternBytesMax = 1 << 20
        /// Subscriptions of all subscribers together, to channels and to patterns.
        package var subscriptionsMax = 1 << 20
        /// Bytes compared with patterns for one message.
        package var matchWorkMax = 1 << 27

        package init() {}
    }

    package enum Kind: Sendable, CaseIterable {
        case channel, pattern
    }

    package enum Fault: Error, Equatable, Sendable {
        case nameTooLong
        /// There are as many subscriptions, or bytes of patterns, as there may be.
        case full
        /// To compare the channel with the patterns would take too long.
        case tooMuchWork
    }

    /// Those who get a message for the same reason: they subscribed its channel, or `pattern`.
    package struct Audience: Equatable, Sendable {
        package let pattern: [UInt8]?
        package let subscribers: [SubscriberID]
    }

    private typealias Subscribers = OrderedTable<SubscriberID, Void>

    private struct Pattern {
        let matcher: GlobPattern
        var subscribers = Subscribers()
    }

    private struct Holdings {
        var channels = OrderedTable<[UInt8], Void>()
        var patterns = OrderedTable<[UInt8], Void>()

        var isEmpty: Bool { channels.isEmpty && patterns.isEmpty }
    }

    package let limits: Limits
    private var channels = OrderedTable<[UInt8], Subscribers>()
    private var patterns = OrderedTable<[UInt8], Pattern>()
    private var holdings: [SubscriberID: Holdings] = [:]
    private var patternBytes = 0
    /// Subscriptions of all subscribers.
    package private(set) var count = 0

    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// What a subscription to `name` is charged, in bytes: its places in four tables, and its name.
    package static func cost(of name: [UInt8]) -> Int { 384 + name.count }
}

// MARK: - Subscribing

extension Subscriptions {
    /// False: it is subscribed already.
    package mutating func subscribe(
        _ id: SubscriberID, to name: [UInt8], as kind: Kind
    ) throws(Fault) -> Bool {
        guard name.count <= lengthMax(kind) else { throw .nameTooLong }
        guard !contains(id, name, kind) else { return false }
        guard count < limits.subscriptionsMax else { throw .full }
        switch kind {
        case .channel:
            _ = channels.update(name, or: Subscribers()) { $0.insert(id) }
            _ = holdings[id, default: Holdings()].channels.insert(name)
        case .pattern:
            try addPattern(name, id)
            _ = holdings[id, default: Holdings()].patterns.insert(name)
        }
        count += 1
        return true
    }

    private func lengthMax(_ kind: Kind) -> Int {
        switch kind {
        case .channel: limits.channelLengthMax
        case .pattern: limits.patternLengthMax
        }
    }

    private mutating func addPattern(_ name: [UInt8], _ id: SubscriberID) throws(Fault) {
        if !patterns.contains(name) {
            guard patternBytes + name.count <= limits.patternBytesMax else { throw .full }
            patternBytes += name.count
        }
        let textMax = limits.channelLengthMax
        _ = patterns.update(name, or: Pattern(matcher: GlobPattern(name.span, textMax: textMax))) {
            $0.subscribers.insert(id)
        }
    }

    /// False: it was not subscribed.
    package mutating func unsubscribe(_ id: SubscriberID, from name: [UInt8], as kind: Kind) -> Bool {
        guard contains(id, name, kind) else { return false }
        switch kind {
        case .channel:
            holdings[id]?.channels.remove(name)
            let left = channels.update(name) { subscribers in
                subscribers.remove(id)
                return subscribers.count
            }
            if left == 0 { channels.remove(name) }
        case .pattern:
            holdings[id]?.patterns.remove(name)
            let left = patterns.update(name) { pattern in
                pattern.subscribers.remove(id)
                return pattern.subscribers.count
            }
            if left == 0 {
                patterns.remove(name)
                patternBytes -= name.count
            }
        }
        if holdings[id]?.isEmpty == true { holdings[id] = nil }
        count -= 1
        return true
    }

    private func contains(_ id: SubscriberID, _ name: [UInt8], _ kind: Kind) -> Bool {
        switch kind {
        case .channel: holdings[id]?.channels.contains(name) ?? false
        case .pattern: holdings[id]?.patterns.contains(name) ?? false
        }
    }
}

// MARK: - Questions

extension Subscriptions {
    /// What `id` has subscribed, in order.
    package func names(of id: SubscriberID, _ kind: Kind) -> [[UInt8]] {
        switch kind {
        case .channel: holdings[id]?.channels.keys ?? []
        case .pattern: holdings[id]?.patterns.keys ?? []
        }
    }

    /// How much `id` has subscribed.
    package func count(of id: SubscriberID, _ kind: Kind) -> Int {
        switch kind {
        case .channel: holdings[id]?.channels.count ?? 0
        case .pattern: holdings[id]?.patterns.count ?? 0
        }
    }

    /// Who gets a message to `channel`. Whoever subscribed it in several ways gets it as often.
    package func audiences(of channel: [UInt8]) throws(Fault) -> [Audience] {
        var found: [Audience] = []
        if let subscribers = channels[channel] {
            found.append(Audience(pattern: nil, subscribers: subscribers.keys))
        }
        var work = limits.matchWorkMax
        try patterns.visit { name, pattern throws(Fault) in
            var attempt = GlobPattern.Attempt()
            guard let isMatch = pattern.matcher.matches(channel.span, &attempt, work: &work) else { throw .tooMuchWork }
            if isMatch { found.append(Audience(pattern: name, subscribers: pattern.subscribers.keys)) }
        }
        return found
    }

    package var channelCount: Int { channels.count }
    package var patternNames: [[UInt8]] { patterns.keys }
    package var patternCount: Int { patterns.count }

    /// Channels that somebody subscribed by name.
    package var channelNames: [[UInt8]] { channels.keys }

    /// How many subscribed `channel` by name.
    package func subscriberCount(of channel: [UInt8]) -> Int { channels[channel]?.count ?? 0 }
}
