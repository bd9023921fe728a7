import TestSupport
import Testing

@testable import Services

@Suite struct SubscriptionsTests {
    private func name(_ text: String) -> [UInt8] { Array(text.utf8) }
    private func subscriber(_ number: UInt64) -> SubscriberID { SubscriberID(rawValue: number) }

    // `#expect` takes no call that changes what it is called on.
    private func expect(_ isTrue: Bool) { #expect(isTrue) }
    private func expectNot(_ isTrue: Bool) { #expect(!isTrue) }

    @Test func aMessageReachesChannelsBeforePatternsEachInTheOrderOfSubscribing() throws {
        var subscriptions = Subscriptions()
        for (number, text, kind) in [
            (3, "n*", .pattern), (2, "news", .channel), (1, "news", .channel), (2, "*s", .pattern), (1, "n*", .pattern),
            (4, "weather", .channel),
        ] as [(UInt64, String, Subscriptions.Kind)] {
            expect(try subscriptions.subscribe(subscriber(number), to: name(text), as: kind))
        }
        #expect(
            try subscriptions.audiences(of: name("news")) == [
                .init(pattern: nil, subscribers: [subscriber(2), subscriber(1)]),
                .init(pattern: name("n*"), subscribers: [subscriber(3), subscriber(1)]),
                .init(pattern: name("*s"), subscribers: [subscriber(2)]),
            ])
    }

    @Test func subscribingTwiceCountsOnce() throws {
        var subscriptions = Subscriptions()
        for kind in Subscriptions.Kind.allCases {
            expect(try subscriptions.subscribe(subscriber(1), to: name("a"), as: kind))
            expectNot(try subscriptions.subscribe(subscriber(1), to: name("a"), as: kind))
            #expect(subscriptions.count(of: subscriber(1), kind) == 1)
        }
        #expect(subscriptions.count == 2)
        #expect(subscriptions.subscriberCount(of: name("a")) == 1)
    }

    @Test func unsubscribingFromWhatWasNotSubscribedDoesNothing() throws {
        var subscriptions = Subscriptions()
        expectNot(subscriptions.unsubscribe(subscriber(1), from: name("a"), as: .channel))
        _ = try subscriptions.subscribe(subscriber(1), to: name("a"), as: .channel)
        expectNot(subscriptions.unsubscribe(subscriber(1), from: name("a"), as: .pattern))
        expectNot(subscriptions.unsubscribe(subscriber(2), from: name("a"), as: .channel))
        #expect(subscriptions.count == 1)
    }

    @Test func whatNobodySubscribesIsForgotten() throws {
        var subscriptions = Subscriptions()
        for kind in Subscriptions.Kind.allCases {
            _ = try subscriptions.subscribe(subscriber(1), to: name("a"), as: kind)
            expect(subscriptions.unsubscribe(subscriber(1), from: name("a"), as: kind))
        }
        #expect(subscriptions.channelCount == 0 && subscriptions.patternCount == 0 && subscriptions.count == 0)
        #expect(try subscriptions.audiences(of: name("a")).isEmpty)
    }

    @Test func namesThatAreTooLongAreRefused() throws {
        var limits = Subscriptions.Limits()
        limits.channelLengthMax = 4
        limits.patternLengthMax = 2
        var subscriptions = Subscriptions(limits: limits)
        expect(try subscriptions.subscribe(subscriber(1), to: name("abcd"), as: .channel))
        #expect(throws: Subscriptions.Fault.nameTooLong) {
            try subscriptions.subscribe(subscriber(1), to: name("abcde"), as: .channel)
        }
        #expect(throws: Subscriptions.Fault.nameTooLong) {
            try subscriptions.subscribe(subscriber(1), to: name("abc"), as: .pattern)
        }
    }

    @Test func noMoreIsSubscribedThanThereMayBe() throws {
        var limits = Subscriptions.Limits()
        limits.subscriptionsMax = 2
        var subscriptions = Subscriptions(limits: limits)
        _ = try subscriptions.subscribe(subscriber(1), to: name("a"), as: .channel)
        _ = try subscriptions.subscribe(subscriber(1), to: name("a"), as: .pattern)
        #expect(throws: Subscriptions.Fault.full) {
            try subscriptions.subscribe(subscriber(2), to: name("a"), as: .channel)
        }
        _ = subscriptions.unsubscribe(subscriber(1), from: name("a"), as: .channel)
        expect(try subscriptions.subscribe(subscriber(2), to: name("a"), as: .channel))
    }

    @Test func bytesOfPatternsAreLimitedAndEachPatternIsCountedOnce() throws {
        var limits = Subscriptions.Limits()
        limits.patternBytesMax = 3
        var subscriptions = Subscriptions(limits: limits)
        _ = try subscriptions.subscribe(subscriber(1), to: name("ab"), as: .pattern)
        expect(try subscriptions.subscribe(subscriber(2), to: name("ab"), as: .pattern))
        #expect(throws: Subscriptions.Fault.full) {
            try subscriptions.subscribe(subscriber(1), to: name("cd"), as: .pattern)
        }
        expect(try subscriptions.subscribe(subscriber(1), to: name("c"), as: .pattern))
        _ = subscriptions.unsubscribe(subscriber(1), from: name("ab"), as: .pattern)
        _ = subscriptions.unsubscribe(subscriber(2), from: name("ab"), as: .pattern)
        expect(try subscriptions.subscribe(subscriber(2), to: name("cd"), as: .pattern))
    }

    @Test func comparingAChannelWithThePatternsIsLimitedWork() throws {
        var limits = Subscriptions.Limits()
        limits.matchWorkMax = 1_000
        var subscriptions = Subscriptions(limits: limits)
        let hostile = name("*" + String(repeating: "a", count: 50) + "b")
        _ = try subscriptions.subscribe(subscriber(1), to: hostile, as: .pattern)
        #expect(try subscriptions.audiences(of: name("aaaaab")).isEmpty)
        #expect(throws: Subscriptions.Fault.tooMuchWork) {
            try subscriptions.audiences(of: name(String(repeating: "a", count: 1_000)))
        }
    }
}
