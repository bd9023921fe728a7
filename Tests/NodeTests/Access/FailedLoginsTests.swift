import Reactor
import TestSupport
import Testing

@testable import Node

@Suite struct FailedLoginsTests {
    private func make(seed: UInt64 = 1) -> FailedLogins {
        var random = SeededRandom(seed: seed)
        return FailedLogins(secret: HashSecret(using: &random))
    }

    @Test func sixtyMayFailInAMinuteAndTheNextHaveToWait() {
        let logins = make()
        for second in 0..<60 { #expect(logins.note(7, now: 1_000 + UInt64(second) / 2) == nil) }
        #expect(logins.note(7, now: 1_030) == 30)
        #expect(logins.note(7, now: 1_059) == 1)
        #expect(logins.note(8, now: 1_059) == nil, "of another address")
        #expect(logins.note(7, now: 1_060) == nil, "of another minute")
        #expect(logins.total == 64)
    }

    @Test func aCountIsForgottenOnlyWhenItsMinuteIsOver() {
        let logins = make()
        for _ in 0..<100 { _ = logins.note(7, now: 0) }
        #expect(logins.note(7, now: 59) == 1)
        for _ in 0..<60 { #expect(logins.note(7, now: 60) == nil) }
        #expect(logins.note(7, now: 60) == 60)
    }

    /// However many fail elsewhere, nobody is told to wait who has not failed that often himself.
    @Test func manyAddressesLockOutNobodyElse() {
        let logins = make()
        var random = SeededRandom(seed: 3)
        for _ in 0..<1_000_000 { _ = logins.note(.random(in: .min ... .max, using: &random), now: 10) }
        for network in UInt64(0)..<1_000 {
            for _ in 0..<60 { #expect(logins.note(network, now: 10) == nil) }
        }
    }

    /// One who has failed often keeps his place among many who have failed once.
    @Test func manyAddressesDoNotMakeItForgetWhoFailsOften() {
        let logins = make()
        for _ in 0..<61 { _ = logins.note(7, now: 10) }
        var random = SeededRandom(seed: 3)
        for _ in 0..<1_000_000 { _ = logins.note(.random(in: .min ... .max, using: &random), now: 10) }
        #expect(logins.note(7, now: 11) == 59)
    }

    @Test func countsAreThoseOfATableWithoutBounds() {
        let logins = make()
        var twin: [UInt64: (since: UInt64, count: UInt64)] = [:]
        var (random, now) = (SeededRandom(seed: 9), UInt64(1 << 24) - 600)
        for _ in 0..<200_000 {
            now += UInt64.random(in: 0...999, using: &random) / 990
            let network = UInt64.random(in: 0..<200, using: &random)
            var entry = twin[network] ?? (now, 0)
            if now - entry.since >= 60 { entry = (now, 0) }
            entry.count += 1
            twin[network] = entry
            let expected = entry.count > 60 ? 60 - (now - entry.since) : nil
            #expect(logins.note(network, now: now) == expected)
        }
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.2", false), ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true), ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
    ])
    func ofIPv6TheFirstHalfCounts(one: String, other: String, areSame: Bool) throws {
        let networks = try [one, other].map { try SocketAddress(host: $0, port: 1).network }
        #expect((networks[0] == networks[1]) == areSame)
    }
}
