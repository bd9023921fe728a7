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

    // MARK: Long messages

    private func long(_ number: UInt32, parts: Int, _ type: FrameType = .replication) -> Frame {
        let payload = (0..<parts * Frame.partMax - 7).map { UInt8(truncatingIfNeeded: $0 &* 31 + Int(number)) }
        return Frame(type: type, stream: number, payload: payload)
    }

    private func write(_ queue: inout OutboundQueue, _ frame: Frame, _ frameClass: FrameClass) {
        guard case .taken = queue.append(frame, frameClass) else {
            Issue.record("no room for \(frame.type)")
            return
        }
    }

    @Test func longMessageLeavesInPartsBetweenWhichOthersPass() {
        var queue = OutboundQueue()
        write(&queue, long(1, parts: 3), .replication)
        write(&queue, frame(2, 10), .gossip)
        var sent: [Frame] = []
        sent.append(queue.next()!)
        // What is written in the meantime waits for one part at most.
        write(&queue, frame(3, 10), .gossip)
        while let frame = queue.next() { sent.append(frame) }
        #expect(sent.map(\.stream) == [1, 2, 1, 3, 1])
        #expect(sent.map(\.flags) == [1, 0, 1, 0, 3])
        #expect(sent.allSatisfy { $0.payload.count <= Frame.partMax })
        #expect(queue.isEmpty && queue.bytes == 0)
    }

    @Test func onlyOneLongMessageAtATimeIsUnderWay() {
        var queue = OutboundQueue()
        write(&queue, long(1, parts: 3), .replication)
        write(&queue, long(2, parts: 2, .exchange), .request)
        write(&queue, frame(3, 10), .request)
        write(&queue, frame(4, 10), .replication)
        var numbers: [UInt32] = []
        while let frame = queue.next() { numbers.append(frame.stream) }
        // Within a class the order is kept.
        #expect(numbers == [1, 1, 1, 2, 4, 2, 3])
    }

    /// Whatever is written, and however much of it leaves in between: a decoder has it back, in each class's order.
    @Test(arguments: 1...30 as ClosedRange<UInt64>) func everythingComesOutWholeAtTheOtherEnd(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var queue = OutboundQueue()
        var decoder = FrameDecoder()
        decoder.append(FrameCodec.encode(FrameCodecTests.hello.frame).span)
        _ = try decoder.next()
        var written: [FrameClass: [Frame]] = [:]
        var received: [FrameClass: [Frame]] = [:]
        func pass(_ frame: Frame) throws {
            decoder.append(FrameCodec.encode(frame).span)
            while let whole = try decoder.next() {
                let frameClass: FrameClass =
                    switch whole.type {
                    case .replication: .replication
                    case .exchange: .request
                    default: .gossip
                    }
                received[frameClass, default: []].append(whole)
            }
        }
        for number in 0..<40 as Range<UInt32> {
            let isLong = Int.random(in: 0..<4, using: &random) == 0
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                let message = isLong ? long(number, parts: Int.random(in: 2...5, using: &random)) : short(number)
                write(&queue, message, .replication)
                written[.replication, default: []].append(message)
            case 1:
                let message = isLong ? long(number, parts: 2, .exchange) : short(number, .exchange)
                write(&queue, message, .request)
                written[.request, default: []].append(message)
            default:
                write(&queue, frame(number, 20), .gossip)
                written[.gossip, default: []].append(frame(number, 20))
            }
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                if let frame = queue.next() { try pass(frame) }
            }
        }
        while let frame = queue.next() { try pass(frame) }
        #expect(received == written)
        #expect(queue.bytes == 0 && decoder.pendingCount == 0)
    }

    private func short(_ number: UInt32, _ type: FrameType = .replication) -> Frame {
        Frame(type: type, stream: number, payload: [UInt8](repeating: 1, count: Int(number)))
    }

    @Test func thereIsRoomForTheLongestMessageBehindOthers() {
        var queue = OutboundQueue()
        write(&queue, frame(1, 60_000), .request)
        write(&queue, Frame(type: .exchange, payload: [UInt8](repeating: 0, count: Frame.messageMax)), .request)
        for number in 0..<200 as Range<UInt32> { write(&queue, frame(number, 60_000), .replication) }
        for _ in 0..<2 {
            write(
                &queue, Frame(type: .replication, payload: [UInt8](repeating: 0, count: Frame.messageMax)),
                .replication)
        }
    }

    // MARK: Limits

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
