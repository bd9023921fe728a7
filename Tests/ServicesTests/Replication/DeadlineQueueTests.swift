import Services
import TestSupport
import Testing

struct DeadlineQueueTests {
    @Test func nothingIsDueBeforeItsTime() {
        var queue = DeadlineQueue(count: 3)
        #expect(queue.next == .max && queue.popDue(now: 100) == nil)
        queue.set(1, at: 50)
        queue.set(2, at: 40)
        #expect(queue.next == 40 && queue.popDue(now: 39) == nil)
        #expect(queue.popDue(now: 50) == 2 && queue.popDue(now: 50) == 1 && queue.popDue(now: 50) == nil)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>) func itAgreesWithATable(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var queue = DeadlineQueue(count: 8)
        var table = [UInt64](repeating: .max, count: 8)
        var now: UInt64 = 0
        for _ in 0..<2_000 {
            if Bool.random(using: &random) {
                let place = Int.random(in: 0..<8, using: &random)
                let time = now + UInt64.random(in: 0...30, using: &random)
                queue.set(place, at: time)
                table[place] = time
            } else {
                now += UInt64.random(in: 0...10, using: &random)
                #expect(queue.next <= table.min()!)
                var due: Set<Int> = []
                while let place = queue.popDue(now: now) { due.insert(place) }
                #expect(due == Set(table.indices.filter { table[$0] <= now }))
                for place in due { table[place] = .max }
            }
        }
    }
}
