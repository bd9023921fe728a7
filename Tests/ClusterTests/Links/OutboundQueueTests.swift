import Cluster
import TestSupport
import Testing

struct OutboundQueueTests {
    private func frame(_ number: UInt32, _ count: Int = 1_000) -> Frame {
        Frame(type: .membership, stream: number, payload: [UInt8](repeating: 0, count: count))
    }

    @Test func framesLeaveInTheOrderOfWritingWhateverTheirClass() {
        var queue = OutboundQueue()
        var random = SeededRandom(seed: 1)
        for number in 0..<200 as Range<UInt32> {
            _ = queue.append(frame(number, 10), FrameClass.allCases.randomElement(using: &random)!)
        }
        var numbers: [UInt32] = []
        while let frame = queue.next() { numbers.append(frame.stream) }
        #expect(numbers == Array(0..<200))
        #expect(queue.isEmpty && queue.bytes == 0)
    }

    @Test func gossipDropsItsOldest() {
        var queue = OutboundQueue()
        var dropped: [UInt32] = []
        for number in 0..<1_000 as Range<UInt32> {
            switch queue.append(frame(number), .gossip) {
            case .taken: break
            case .dropped(let frames): dropped += frames.map(\.stream)
            case .full: Issue.record("gossip is full")
            }
        }
        #expect(queue.bytes <= OutboundQueue.bytesMax(.gossip))
        var kept: [UInt32] = []
        while let frame = queue.next() { kept.append(frame.stream) }
        #expect(dropped + kept == Array(0..<1_000))
    }

    @Test(arguments: [FrameClass.request, .replication]) func whatMayNotBeLostIsRefused(frameClass: FrameClass) {
        var queue = OutboundQueue()
        var taken = 0
        while case .taken = queue.append(frame(1, 60_000), frameClass) { taken += 1 }
        #expect(taken == OutboundQueue.bytesMax(frameClass) / 60_016)
        #expect(queue.bytes == taken * 60_016)
        // The classes do not take each other's room.
        guard case .taken = queue.append(frame(2), .gossip), case .taken = queue.append(frame(3), .link) else {
            Issue.record("no room for another class")
            return
        }
    }
}
