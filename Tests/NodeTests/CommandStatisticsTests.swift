import Reactor
import Testing

@testable import Node

/// What is counted and kept of commands on one loop.
struct CommandStatisticsTests {
    @Test func countsSinceABaseLeaveOutWhatDidNotHappen() {
        let statistics = CommandStatistics(rows: 2)
        statistics.countFailure(CommandError("ERR a"), of: 0)
        statistics.countRejection(CommandError("OOM b"), of: nil)
        let base = statistics.counts
        statistics.countFailure(.wrongType, of: 1)
        statistics.countRejection(CommandError("ERR c"), of: 1)
        statistics.add(microseconds: 7, to: 1)
        let counts = statistics.counts.since(base)
        #expect(counts.errors == ["WRONGTYPE": 1, "ERR": 1])
        #expect(counts.rows.map(\.failed) == [0, 1])
        #expect(counts.rows.map(\.rejected) == [0, 1])
        #expect(counts.rows.map(\.microseconds) == [0, 7])
        var sum = counts
        sum.add(base)
        #expect(sum.errors == statistics.counts.errors)
        #expect(sum.errorCount == 4)
    }

    @Test func aSlowCommandIsKeptWithWordsCutAndSecretsHidden() {
        func words(_ words: [String]) -> [String] {
            let list = ArgumentList(words.map { Array($0.utf8) })
            return SlowLogEntry.words(of: list.arguments).map { String(decoding: $0, as: UTF8.self) }
        }
        let long = String(repeating: "x", count: 130)
        #expect(words(["SET", long]) == ["SET", String(repeating: "x", count: 128) + "... (2 more bytes)"])
        let all = (0..<32).map { "\($0)" }
        #expect(words(all) == all)
        #expect(words(all + ["32"]) == all.dropLast() + ["... (2 more arguments)"])
        #expect(words(["AUTH", "secret"]) == ["AUTH", "(redacted)"])
        #expect(
            words(["hello", "3", "auth", "a", "b", "SETNAME", "c"])
                == ["hello", "3", "auth", "(redacted)", "(redacted)", "SETNAME", "c"])
    }

    @Test func theSlowLogKeepsTheNewest() {
        let log = SlowLog()
        for id in 0..<5 as Range<UInt64> {
            let entry = SlowLogEntry(id: id, time: 0, microseconds: 1, words: [], address: "", clientName: [])
            log.append(entry, max: 3)
        }
        #expect(log.entries.map(\.id) == [2, 3, 4])
        log.shorten(to: 1)
        #expect(log.entries.map(\.id) == [4])
    }

    @Test func stallsAreKeptOneForASecondTheWorst() {
        let log = LatencyLog()
        for (time, latency) in [(1, 30), (1, 50), (1, 40), (2, 20)] as [(UInt64, UInt64)] {
            log.add(LatencyLog.Sample(time: time, milliseconds: latency))
        }
        let first = LatencyLog.Sample(time: 1, milliseconds: 50)
        let second = LatencyLog.Sample(time: 2, milliseconds: 20)
        #expect(Array(log.samples) == [first, second])
        #expect(log.worst == 50)
        let other = [LatencyLog.Sample(time: 2, milliseconds: 90), LatencyLog.Sample(time: 0, milliseconds: 10)]
        #expect(
            LatencyLog.merged([Array(log.samples), other])
                == [other[1], first, other[0]])
        for time in 0..<200 as Range<UInt64> { log.add(LatencyLog.Sample(time: time + 3, milliseconds: 1)) }
        #expect(log.samples.count == LatencyLog.samplesMax)
    }

    @Test func theRateLooksBackOverTheSamples() {
        let rate = CommandRate()
        #expect(rate.perSecond == 0)
        for step in 0..<20 as Range<UInt64> { rate.add(calls: step * 50, at: step * 100) }
        #expect(rate.perSecond == 500)
    }
}
