import Reactor
import Services
import Testing

@testable import Node

@Suite struct CacheAnswerTests {
    private func ttl(expiresAt: UInt64, now: UInt64) -> String {
        var writer = JSONWriter()
        writer.object { BatchOperation.writeTTL(Deadlines(expiresAt: expiresAt), now: now, to: &$0) }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func aTimeToLiveBeyondTheLongestIsShownAsTheLongest() {
        let longest = CacheQuery.ttlMax
        #expect(ttl(expiresAt: 5_000 + longest, now: 5_000) == #"{"ttl":"36500d"}"#)
        #expect(ttl(expiresAt: 5_000 + longest, now: 4_999) == #"{"ttl":"36500d"}"#)
        #expect(ttl(expiresAt: 1 << 47, now: 0) == #"{"ttl":"36500d"}"#)
        #expect(ttl(expiresAt: 5_000, now: 6_000) == #"{"ttl":"0s"}"#)
    }

    @Test(
        arguments: [
            (10_000, 0, 10), (10_000, 9_000, 1), (10_000, 9_001, 0), (10_000, 9_999, 0), (10_000, 10_000, -1),
            (10_000, 10_001, -1), (10_000, 11_000, -1), (10_000, 11_001, -2), (10_000, 70_000, -60),
        ] as [(UInt64, UInt64, Int)])
    func theSecondsLeftOfAStaleValueAreBelowZero(expiresAt: UInt64, now: UInt64, seconds: Int) {
        #expect(CacheHandlers.secondsLeft(until: expiresAt, now: now) == seconds)
    }

    @Test func shareOfHitsIsToldInPerCentWithOneDecimal() {
        #expect(StatusPage.share(5, of: 8) == "62.5 %")
        #expect(StatusPage.share(0, of: 8) == "0.0 %")
        #expect(StatusPage.share(8, of: 8) == "100.0 %")
        #expect(StatusPage.share(1, of: 3) == "33.3 %")
    }
}
