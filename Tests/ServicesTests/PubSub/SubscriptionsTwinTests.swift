import Reactor
import TestSupport
import Testing

@testable import Services

/// Subscriptions as one list in the order in which they came, searched from end to end.
private struct NaiveSubscriptions {
    struct Entry: Equatable {
        let id: SubscriberID
        let kind: Subscriptions.Kind
        let name: [UInt8]
    }

    var entries: [Entry] = []

    mutating func subscribe(_ entry: Entry) -> Bool {
        guard !entries.contains(entry) else { return false }
        entries.append(entry)
        return true
    }

    mutating func unsubscribe(_ entry: Entry) -> Bool {
        guard let place = entries.firstIndex(of: entry) else { return false }
        entries.remove(at: place)
        return true
    }

    func names(of id: SubscriberID, _ kind: Subscriptions.Kind) -> [[UInt8]] {
        entries.filter { $0.id == id && $0.kind == kind }.map(\.name)
    }

    func subscribers(of name: [UInt8], _ kind: Subscriptions.Kind) -> [SubscriberID] {
        entries.filter { $0.name == name && $0.kind == kind }.map(\.id)
    }
}

@Suite struct SubscriptionsTwinTests {
    private static let names = ["a", "b", "ab", "ba", "a*", "*b", "?", "[ab]", "*", "", "abc"].map { Array($0.utf8) }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func doesWhatAPlainListDoes(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var (subscriptions, naive) = (Subscriptions(), NaiveSubscriptions())
        // The order of channels and patterns is that in which each was first subscribed, since nobody did last.
        var order: [Subscriptions.Kind: [[UInt8]]] = [.channel: [], .pattern: []]
        for step in 0..<5_000 {
            let id = SubscriberID(rawValue: UInt64.random(in: 1...12, using: &random))
            let kind: Subscriptions.Kind = Bool.random(using: &random) ? .channel : .pattern
            let name = Self.names.randomElement(using: &random)!
            let entry = NaiveSubscriptions.Entry(id: id, kind: kind, name: name)
            // Phases in which more is subscribed than ended, and the other way round, so that tables grow and empty.
            if Int.random(in: 0..<10, using: &random) < (step / 250 % 2 == 0 ? 7 : 3) {
                let isNew = try subscriptions.subscribe(id, to: name, as: kind)
                let isNewToNaive = naive.subscribe(entry)
                #expect(isNew == isNewToNaive)
                if !order[kind]!.contains(name) { order[kind]!.append(name) }
            } else {
                let wasThere = subscriptions.unsubscribe(id, from: name, as: kind)
                let wasThereInNaive = naive.unsubscribe(entry)
                #expect(wasThere == wasThereInNaive)
                if naive.subscribers(of: name, kind).isEmpty { order[kind]!.removeAll { $0 == name } }
            }
            #expect(subscriptions.count == naive.entries.count)
            #expect(subscriptions.names(of: id, kind) == naive.names(of: id, kind))
            #expect(subscriptions.count(of: id, kind) == naive.names(of: id, kind).count)
            #expect(subscriptions.channelNames == order[.channel]!)
            #expect(subscriptions.patternNames == order[.pattern]!)
            let channel = Self.names.randomElement(using: &random)!
            let direct = naive.subscribers(of: channel, .channel)
            var expected = direct.isEmpty ? [] : [Subscriptions.Audience(pattern: nil, subscribers: direct)]
            for pattern in order[.pattern]! where GlobPattern(pattern.span).matches(channel.span) {
                expected.append(.init(pattern: pattern, subscribers: naive.subscribers(of: pattern, .pattern)))
            }
            #expect(try subscriptions.audiences(of: channel) == expected)
            #expect(subscriptions.subscriberCount(of: channel) == direct.count)
        }
    }
}
