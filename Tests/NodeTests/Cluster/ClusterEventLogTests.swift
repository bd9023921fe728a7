import Reactor
import Testing

@testable import Node

@Suite struct ClusterEventLogTests {
    private func log(of count: Int, start: UInt64 = 0xabc) -> ClusterEventLog {
        var log = ClusterEventLog(start: start)
        for number in 0..<count {
            log.append(.init(number: UInt64(number + 1), name: "member", data: "{\"n\":\(number + 1)}"))
        }
        return log
    }

    private func numbers(_ log: ClusterEventLog, after id: String) -> [UInt64]? {
        log.entries(after: Array(id.utf8).span)?.map(\.number)
    }

    @Test func aStreamGoesOnBehindTheEventThatItNames() {
        let log = log(of: 5)
        #expect(numbers(log, after: log.id(0)) == [1, 2, 3, 4, 5])
        #expect(numbers(log, after: log.id(3)) == [4, 5])
        #expect(numbers(log, after: log.latestID) == [])
    }

    @Test(arguments: ["", "-", "abc", "abc-", "abc-6", "abc-x", "abc-1-2", "abd-1", "ABC-1", "abc-01", "abc-+1"])
    func whatNamesNoPlaceIsUnknown(id: String) {
        #expect(numbers(log(of: 5), after: id) == nil)
    }

    @Test func whatIsTrimmedIsUnknownAndTheRestIsThere() throws {
        let most = ClusterEventLog.entriesMax
        for count in [most, most + 1, 2 * most - 1, 2 * most, 5 * most + 7] {
            let log = log(of: count)
            let oldest = try #require(numbers(log, after: log.id(UInt64(count - most))))
            #expect(oldest.count == most && oldest.first == UInt64(count - most + 1) && oldest.last == UInt64(count))
            if count > most { #expect(numbers(log, after: log.id(UInt64(count - most - 1))) == nil) }
        }
    }

    @Test func anIDOfAnotherStartIsUnknown() {
        #expect(numbers(log(of: 5), after: log(of: 5, start: 0xdef).id(3)) == nil)
    }
}
