import Cluster
import Reactor
import Services
import TestSupport
import Testing

struct RefreshLeasesTests {
    /// A shard's leases with the clock, the stamps and the tokens that it would have.
    private struct Shard {
        var leases: RefreshLeases
        var generator = SeededRandom(seed: 1)
        var now: UInt64 = 1_000
        var stamps: UInt64 = 0

        init(_ limits: RefreshLeases.Limits = .init()) {
            var generator = SeededRandom(seed: 2)
            leases = RefreshLeases(limits: limits, secret: HashSecret(using: &generator))
        }

        /// A fresh stamp, of which there may be many in a millisecond.
        mutating func moment() -> RefreshLeases.Moment {
            stamps += 1
            return RefreshLeases.Moment(now: now, stamp: Version(time: stamps, node: 1))
        }

        mutating func get(
            _ key: String, _ waiter: UInt64, lease: Duration = .seconds(5), wait: UInt64 = 2_000, hasStale: Bool = false
        ) -> RefreshLeases.Answer {
            let request = RefreshLeases.Request(
                waiter: .init(waiter), lease: lease, waitUntil: now + wait, hasStale: hasStale)
            return leases.request(key.utf8.span, request, at: moment(), using: &generator)
        }

        /// The token that `waiter` must be granted at once.
        mutating func granted(_ key: String, _ waiter: UInt64, lease: Duration = .seconds(5)) throws -> LeaseToken {
            guard case .granted(let token) = get(key, waiter, lease: lease) else { throw StaleLease() }
            return token
        }

        mutating func stored(_ key: String) -> [RefreshLeases.Directive] { leases.stored(key.utf8.span) }

        mutating func invalidated(_ key: String) -> [RefreshLeases.Directive] {
            leases.invalidated(key.utf8.span, at: moment(), using: &generator)
        }

        mutating func invalidated(prefix: String) -> [RefreshLeases.Directive] {
            leases.invalidated(prefix: prefix.utf8.span, at: moment(), using: &generator)
        }

        mutating func giveUp(_ token: LeaseToken, _ key: String) throws(StaleLease) -> [RefreshLeases.Directive] {
            try leases.giveUp(token, on: key.utf8.span, at: moment(), using: &generator)
        }

        mutating func tick(_ later: UInt64 = 0) -> [RefreshLeases.Directive] {
            now += later
            return leases.tick(at: moment(), using: &generator)
        }

        func grantedAt(_ token: LeaseToken, _ key: String) -> Version? {
            try? leases.grant(token, on: key.utf8.span, now: now).stamp
        }
    }

    private func isInvalid(_ stamps: TagStamps, _ tag: UInt64, _ version: Version) -> Bool {
        let tags = [tag]
        return stamps.isInvalid(tags.span, version)
    }

    @Test func thousandCallersMakeOneLoad() throws {
        var shard = Shard()
        let token = try shard.granted("k", 0)
        for waiter in 1..<1_000 as Range<UInt64> {
            let answer = shard.get("k", waiter)
            #expect(answer == .waiting)
        }
        #expect(shard.grantedAt(token, "k") != nil)
        let directives = shard.stored("k")
        #expect(directives == (1..<1_000).map { .answerFresh(.init($0)) })
        #expect(shard.leases.leaseCount == 0)
        #expect(shard.leases.waiterCount == 0)
        #expect(shard.leases.wakeAt == nil)
    }

    @Test func callersOfOtherKeysLoadThem() throws {
        var shard = Shard()
        let first = try shard.granted("a", 1)
        let second = try shard.granted("b", 2)
        #expect(first != second)
        #expect(shard.grantedAt(first, "b") == nil)
        #expect(shard.leases.leaseCount == 2)
    }

    @Test func callerThatHasAStaleValueGetsItInsteadOfWaiting() throws {
        var shard = Shard()
        _ = try shard.granted("k", 1)
        let answer = shard.get("k", 2, hasStale: true)
        #expect(answer == .stale)
        #expect(shard.leases.waiterCount == 0)
    }

    @Test func callerThatDoesNotWaitMisses() throws {
        var shard = Shard()
        _ = try shard.granted("k", 1)
        let answer = shard.get("k", 2, wait: 0)
        #expect(answer == .miss)
    }

    @Test func waiterMissesWhenItsTimeIsUp() throws {
        var shard = Shard()
        _ = try shard.granted("k", 1)
        _ = shard.get("k", 2, wait: 300)
        #expect(shard.leases.wakeAt == 1_300)
        let early = shard.tick(299)
        let due = shard.tick(1)
        #expect(early == [])
        #expect(due == [.answerMiss(.init(2))])
        let late = shard.stored("k")
        #expect(late == [])
    }

    @Test func leaseKeepsTheStampOfItsGrant() throws {
        var shard = Shard()
        let token = try shard.granted("k", 1)
        #expect(shard.grantedAt(token, "k") == Version(time: 1, node: 1))
        _ = shard.get("k", 2)
        let directives = try shard.giveUp(token, "k")
        guard case .grant(_, let next) = directives.first else {
            Issue.record("nothing was granted")
            return
        }
        #expect(shard.grantedAt(next, "k") == Version(time: 3, node: 1))
    }

    @Test func deleteDuringALoadVoidsItsLease() throws {
        var shard = Shard()
        let token = try shard.granted("k", 1)
        let directives = shard.invalidated("k")
        #expect(directives == [])
        #expect(shard.grantedAt(token, "k") == nil)
        let next = try shard.granted("k", 2)
        #expect(next != token)
    }

    @Test func deleteDuringALoadGrantsAFreshLeaseToTheFirstWhoWaits() throws {
        var shard = Shard()
        let token = try shard.granted("k", 1)
        _ = shard.get("k", 2)
        _ = shard.get("k", 3)
        let directives = shard.invalidated("k")
        guard case .grant(let waiter, let next) = directives.first, directives.count == 1 else {
            Issue.record("\(directives)")
            return
        }
        #expect(waiter == .init(2))
        #expect(shard.grantedAt(token, "k") == nil)
        #expect(shard.grantedAt(next, "k") != nil)
        let answers = shard.stored("k")
        #expect(answers == [.answerFresh(.init(3))])
    }

    @Test func tagInvalidatedDuringALoadIsFoundAtSettling() throws {
        var shard = Shard()
        var tags = TagStamps(using: &shard.generator)
        tags.invalidate(7, at: shard.moment().stamp)
        let token = try shard.granted("k", 1)
        _ = shard.get("k", 2)
        let before = try #require(shard.grantedAt(token, "k"))
        #expect(!isInvalid(tags, 7, before))
        tags.invalidate(7, at: shard.moment().stamp)
        let after = try #require(shard.grantedAt(token, "k"))
        #expect(isInvalid(tags, 7, after))
        let directives = try shard.giveUp(token, "k")
        guard case .grant(_, let next) = directives.first else {
            Issue.record("nothing was granted")
            return
        }
        let fresh = try #require(shard.grantedAt(next, "k"))
        #expect(!isInvalid(tags, 7, fresh))
    }

    @Test func prefixDeleteVoidsTheLeasesOfItsKeysOldestFirst() throws {
        var shard = Shard()
        let tokens = try ["a1", "b", "a2", "a"].enumerated().map { try shard.granted($1, UInt64($0)) }
        _ = shard.get("a2", 10)
        _ = shard.get("a1", 11)
        let directives = shard.invalidated(prefix: "a")
        let granted = directives.map { directive -> RefreshLeases.WaiterID? in
            guard case .grant(let waiter, _) = directive else { return nil }
            return waiter
        }
        #expect(granted == [.init(11), .init(10)])
        #expect(shard.grantedAt(tokens[1], "b") != nil)
        for (token, key) in [(tokens[0], "a1"), (tokens[2], "a2"), (tokens[3], "a")] {
            #expect(shard.grantedAt(token, key) == nil)
        }
        #expect(shard.leases.leaseCount == 3)
    }

    @Test func emptyPrefixVoidsEveryLease() throws {
        var shard = Shard()
        for number in 0..<5 as Range<UInt64> { _ = try shard.granted("k\(number)", number) }
        let directives = shard.invalidated(prefix: "")
        #expect(directives == [])
        #expect(shard.leases.leaseCount == 0)
    }

    @Test func expiredLeasePassesToTheNextWhoWaitsForAsLongAsThatOneAskedFor() throws {
        var shard = Shard()
        let token = try shard.granted("k", 1, lease: .seconds(1))
        _ = shard.get("k", 2, lease: .seconds(3), wait: 60_000)
        _ = shard.get("k", 3, lease: .seconds(5), wait: 60_000)
        #expect(shard.leases.wakeAt == 2_000)
        let directives = shard.tick(1_000)
        guard case .grant(let waiter, let next) = directives.first, directives.count == 1 else {
            Issue.record("\(directives)")
            return
        }
        #expect(waiter == .init(2))
        #expect(shard.grantedAt(token, "k") == nil)
        #expect(shard.grantedAt(next, "k") != nil)
        #expect(shard.leases.wakeAt == 5_000)
    }

    @Test func expiredLeaseIsStaleBeforeAnyTick() throws {
        var shard = Shard()
        let token = try shard.granted("k", 1, lease: .seconds(1))
        shard.now += 999
        #expect(shard.grantedAt(token, "k") != nil)
        shard.now += 1
        #expect(shard.grantedAt(token, "k") == nil)
        #expect(throws: StaleLease()) { try shard.giveUp(token, "k") }
        let next = try shard.granted("k", 2)
        #expect(shard.grantedAt(next, "k") != nil)
        #expect(shard.leases.leaseCount == 1)
    }

    @Test func callerAfterAnExpiryStandsBehindThoseWhoWait() throws {
        var shard = Shard()
        _ = try shard.granted("k", 1, lease: .seconds(1))
        _ = shard.get("k", 2, wait: 60_000)
        shard.now += 1_000
        let answer = shard.get("k", 3)
        #expect(answer == .waiting)
        let directives = shard.tick()
        guard case .grant(.init(2), _) = directives.first else {
            Issue.record("\(directives)")
            return
        }
    }

    @Test func waiterWhoseTimeEndsWithTheLeaseLoads() throws {
        var shard = Shard()
        _ = try shard.granted("k", 1, lease: .seconds(2))
        _ = shard.get("k", 2, wait: 2_000)
        let directives = shard.tick(2_000)
        guard case .grant(.init(2), _) = directives.first, directives.count == 1 else {
            Issue.record("\(directives)")
            return
        }
    }

    @Test func expiredLeaseThatNobodyWaitsForIsForgotten() throws {
        var shard = Shard()
        _ = try shard.granted("k", 1, lease: .seconds(1))
        let directives = shard.tick(1_000)
        #expect(directives == [])
        #expect(shard.leases.leaseCount == 0)
    }

    @Test func givenUpLeasePassesToTheNextWhoWaits() throws {
        var shard = Shard()
        let token = try shard.granted("k", 1)
        _ = shard.get("k", 2)
        let directives = try shard.giveUp(token, "k")
        guard case .grant(.init(2), let next) = directives.first, directives.count == 1 else {
            Issue.record("\(directives)")
            return
        }
        #expect(throws: StaleLease()) { try shard.giveUp(token, "k") }
        let last = try shard.giveUp(next, "k")
        #expect(last == [])
        #expect(shard.leases.leaseCount == 0)
    }

    @Test func cancelledWaiterNeverGetsALease() throws {
        var shard = Shard()
        let token = try shard.granted("k", 1)
        for waiter in 2...4 as ClosedRange<UInt64> { _ = shard.get("k", waiter) }
        for waiter in [2, 3, 3, 99] as [UInt64] { shard.leases.cancelWaiter(.init(waiter)) }
        #expect(shard.leases.waiterCount == 1)
        let directives = try shard.giveUp(token, "k")
        guard case .grant(.init(4), _) = directives.first, directives.count == 1 else {
            Issue.record("\(directives)")
            return
        }
    }

    @Test func putByAnotherAnswersThoseWhoWaitAndVoidsTheLease() throws {
        var shard = Shard()
        let token = try shard.granted("k", 1)
        _ = shard.get("k", 2)
        let directives = shard.stored("k")
        #expect(directives == [.answerFresh(.init(2))])
        #expect(shard.grantedAt(token, "k") == nil)
    }

    @Test func putOfAnotherKeyChangesNothing() throws {
        var shard = Shard()
        let token = try shard.granted("k", 1)
        _ = shard.get("k", 2)
        let directives = shard.stored("kk") + shard.stored("") + shard.invalidated("K")
        #expect(directives == [])
        #expect(shard.grantedAt(token, "k") != nil)
    }

    @Test func keysPastTheLimitOfLeasesMiss() throws {
        var limits = RefreshLeases.Limits()
        limits.leasesMax = 2
        var shard = Shard(limits)
        _ = try shard.granted("a", 1)
        _ = try shard.granted("b", 2)
        let answers = [shard.get("c", 3), shard.get("c", 4, hasStale: true), shard.get("a", 5)]
        #expect(answers == [.miss, .stale, .waiting])
    }

    @Test func waitersPastALimitMiss() throws {
        var limits = RefreshLeases.Limits()
        limits.waitersPerKeyMax = 2
        limits.waitersMax = 3
        var shard = Shard(limits)
        _ = try shard.granted("a", 1)
        _ = try shard.granted("b", 2)
        let ofOneKey = (3...5).map { shard.get("a", $0) }
        let ofAll = (6...7).map { shard.get("b", $0) }
        #expect(ofOneKey == [.waiting, .waiting, .miss])
        #expect(ofAll == [.waiting, .miss])
    }

    @Test func tickThatIsCutShortIsDueAtOnce() throws {
        var limits = RefreshLeases.Limits()
        limits.dueMax = 2
        var shard = Shard(limits)
        _ = try shard.granted("k", 0, lease: .seconds(60))
        for waiter in 1...3 as ClosedRange<UInt64> { _ = shard.get("k", waiter, wait: 100) }
        let first = shard.tick(100)
        #expect(first == [.answerMiss(.init(1)), .answerMiss(.init(2))])
        #expect(shard.leases.wakeAt == 1_100)
        let second = shard.tick()
        #expect(second == [.answerMiss(.init(3))])
    }

    @Test func bytesFollowTheTablesAndReturnWithTheKeys() throws {
        var shard = Shard()
        let empty = shard.leases.byteCount
        let key = String(repeating: "k", count: 500)
        _ = try shard.granted(key, 1)
        let one = shard.leases.byteCount
        #expect(one >= empty + 500)
        _ = shard.stored(key)
        #expect(shard.leases.byteCount <= one - 500)
    }

    @Test func tokenIsThirtyTwoDigitsAndReadsBack() {
        var generator = SeededRandom(seed: 5)
        for _ in 0..<100 {
            let token = LeaseToken(using: &generator)
            #expect(LeaseToken(text: token.text.span) == token)
        }
        let text = "00112233445566778899aabbccddeeff"
        #expect(LeaseToken(text: text.utf8.span)?.text.text == text)
        for wrong in ["", String(text.dropLast()), text + "0", text.uppercased(), "g" + text.dropFirst()] {
            #expect(LeaseToken(text: wrong.utf8.span) == nil)
        }
    }
}
