import TestSupport
import Testing

@testable import Node

@Suite struct RateLimiterTests {
    private let second: UInt64 = 1_000_000_000

    @Test func aBurstIsGrantedAtOnceAndThenTheRate() {
        let limiter = RateLimiter(RateLimit(perSecond: 10, burst: 3))
        let now = 5 * second
        #expect((0..<3).allSatisfy { _ in limiter.take(now: now) == nil })
        #expect(limiter.take(now: now) == second / 10)
        #expect(limiter.take(now: now + second / 10 - 1) == 1)
        #expect(limiter.take(now: now + second / 10) == nil)
        #expect(limiter.take(now: now + second / 10) == second / 10)
    }

    @Test func refusalsCostNothing() {
        let limiter = RateLimiter(RateLimit(perSecond: 1, burst: 1))
        #expect(limiter.take(now: second) == nil)
        for _ in 0..<1_000 { #expect(limiter.take(now: second) == second) }
        #expect(limiter.take(now: 2 * second) == nil)
    }

    @Test func aPauseFillsNoMoreThanABurst() {
        let limiter = RateLimiter(RateLimit(perSecond: 100, burst: 5))
        let granted = (0..<100).count { _ in limiter.take(now: 1_000 * second) == nil }
        #expect(granted == 5)
    }

    @Test func theExtremesCount() {
        let fast = RateLimiter(RateLimit(perSecond: RateLimit.max, burst: RateLimit.max))
        #expect((0..<RateLimit.max).allSatisfy { _ in fast.take(now: second) == nil })
        #expect(fast.take(now: second) == 1_000)
        let slow = RateLimiter(RateLimit(perSecond: 1, burst: RateLimit.max))
        #expect(slow.take(now: .max / 2) == nil)
    }

    /// Against a bucket that is refilled in steps.
    @Test func itGrantsWhatATokenBucketGrants() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<50 {
            let limit = RateLimit(
                perSecond: Int.random(in: 1...1_000, using: &random), burst: Int.random(in: 1...20, using: &random))
            let limiter = RateLimiter(limit)
            let interval = second / UInt64(limit.perSecond)
            var (bucket, filledAt, now) = (UInt64(limit.burst) * interval, second, second)
            for _ in 0..<500 {
                now += UInt64.random(in: 0...3 * interval, using: &random)
                bucket = min(bucket + now - filledAt, UInt64(limit.burst) * interval)
                filledAt = now
                let isGranted = bucket >= interval
                if isGranted { bucket -= interval }
                #expect((limiter.take(now: now) == nil) == isGranted, "\(limit)")
            }
        }
    }
}
