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
}
