import Testing

@testable import Reactor

/// A peer and what it has taken, looked at twice a second.
private struct Peer {
    let limits: OutputLimits
    var pace = OutputPace()
    private(set) var now: UInt64 = 1_000_000
    private(set) var taken: UInt64 = 0

    init(rateMin: Int = 1_024, stillTime: UInt64 = 75_000) {
        limits = OutputLimits(rateMin: rateMin, stillTime: stillTime)
        pace.rest(taken: 0)
    }

    /// Lets `seconds` pass while something waits; `take` says what the peer takes in the half second that ends after
    /// so many milliseconds. Returns after how many milliseconds it was found too slow.
    mutating func read(seconds: UInt64, _ take: (UInt64) -> UInt64) -> UInt64? {
        for time in stride(from: UInt64(0), through: seconds * 1_000, by: 500) {
            taken += take(time)
            if pace.isTooSlow(now: now, taken: taken, limits: limits) { return time }
            now += 500
        }
        return nil
    }

    mutating func rest() {
        pace.rest(taken: taken)
    }
}

@Suite struct OutputPaceTests {
    @Test func aPeerThatTakesNothingIsTooSlowAfterTwoWindows() {
        var peer = Peer()
        #expect(peer.read(seconds: 60) { _ in 0 } == 2 * OutputPace.window)
    }

    @Test func aPeerThatTakesLittleIsTooSlow() {
        var peer = Peer()
        #expect(peer.read(seconds: 60) { _ in 400 } == 2 * OutputPace.window)
    }

    @Test(arguments: [1, 1_024, 1 << 20]) func aPeerThatTakesTheMinimumIsServedToTheEnd(rateMin: Int) {
        var peer = Peer(rateMin: rateMin)
        #expect(peer.read(seconds: 3_600) { $0 % 1_000 == 0 ? UInt64(rateMin) : 0 } == nil)
    }

    @Test func aPeerWhoseWindowOpensInJumpsIsServedToTheEnd() {
        var peer = Peer()
        // Its buffer at first, then a segment of the loopback each time that it has read so much.
        #expect(peer.read(seconds: 3_600) { $0 % 64_000 == 0 ? 64 << 10 : 0 } == nil)
    }

    @Test func whatWasTakenBeyondTheMinimumCountsForLaterUpToALimit() {
        var peer = Peer(rateMin: 64 << 10)
        let limit = OutputPace.aheadMax / (64 << 10) * 1_000
        let found = peer.read(seconds: 60) { $0 == 0 ? 1 << 30 : 0 }
        // Five seconds are paid by the jump, then those that it is ahead, then two windows are slow.
        #expect(found.map { (UInt64(limit)...UInt64(limit) + 4 * OutputPace.window).contains($0) } == true)
    }

    @Test func aPauseWithinAWindowHarmsNobody() {
        var peer = Peer(rateMin: 1 << 20)
        #expect(peer.read(seconds: 120) { $0 % 10_000 < 5_000 ? 1 << 20 : 0 } == nil)
    }

    @Test func aPeerThatStandsStillIsGivenUpHoweverFarItIsAhead() {
        var peer = Peer(rateMin: 1)
        #expect(peer.read(seconds: 200) { $0 == 0 ? 1 << 20 : 0 } == 75_500)
    }

    @Test func whileNothingWaitsNothingIsExpected() {
        var peer = Peer()
        for _ in 0..<20 {
            #expect(peer.read(seconds: 9) { _ in 0 } == nil)
            peer.rest()
        }
    }
}
