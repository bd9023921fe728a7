import Testing

@testable import Simulator

struct EventQueueTests {
    @Test func eventsOfOneTimeComeInTheOrderTheyWereScheduled() {
        var queue = EventQueue<Int>()
        for event in 0..<100 { queue.schedule(event, at: SimulatedTime(microseconds: UInt64(event % 3))) }
        var order: [Int] = []
        while let next = queue.next(until: SimulatedTime(microseconds: 1)) { order.append(next.event) }
        #expect(order == (0..<100).filter { $0 % 3 == 0 } + (0..<100).filter { $0 % 3 == 1 })
    }
}
