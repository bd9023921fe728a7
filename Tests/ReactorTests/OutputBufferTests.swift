import CLibuv
import TestSupport
import Testing

@testable import Reactor

@Suite struct OutputBufferTests {
    /// Takes what `gather` offers, `count` bytes of it, as a kernel would.
    private func take(_ count: Int, from buffer: OutputBuffer) -> [UInt8] {
        var taken: [UInt8] = []
        unsafe withUnsafeTemporaryAllocation(of: uv_buf_t.self, capacity: 4) { vectors in
            let used = unsafe buffer.gather(into: vectors).vectors
            for index in 0..<used where taken.count < count {
                let bytes = unsafe UnsafeRawBufferPointer(start: vectors[index].base, count: vectors[index].len)
                unsafe taken.append(contentsOf: bytes.prefix(count - taken.count))
            }
        }
        buffer.noteSent(taken.count)
        return taken
    }

    @Test(arguments: 0..<40) func bytesAndBlobsLeaveInTheirOrderHoweverTheKernelTakesThem(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let buffer = OutputBuffer()
        var expected: [UInt8] = []
        for _ in 0..<Int.random(in: 0...30, using: &random) {
            let piece = (0..<Int.random(in: 0...3_000, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            switch Int.random(in: 0...2, using: &random) {
            case 0:
                buffer.append(piece)
                expected += piece
            case 1:
                buffer.append(Blob(copying: piece.span))
                expected += piece
            default:
                let (start, end) = (Int.random(in: 0...piece.count, using: &random), piece.count)
                let range = start..<Int.random(in: start...end, using: &random)
                buffer.append(Blob(copying: piece.span), range)
                expected += piece[range]
            }
        }
        #expect(buffer.remaining == expected.count)
        var received: [UInt8] = []
        while !buffer.isEmpty { received += take(Int.random(in: 1...5_000, using: &random), from: buffer) }
        #expect(received == expected, "seed \(seed)")
    }

    @Test func aBufferMovesIntoAnotherWithItsBlobs() {
        let first = OutputBuffer()
        let second = OutputBuffer()
        first.append("a")
        second.append("b")
        second.append(Blob(copying: [99, 99].span))
        second.append(Blob(copying: [1, 100, 101, 1].span), 1..<3)
        second.append("f")
        first.append(contentsOf: second)
        #expect(take(100, from: first) == Array("abccdef".utf8))
    }

    @Test(arguments: [0, 7, 10, 99, 100, 65_535, UInt64.max]) func numbersAreWrittenAsTheyRead(number: UInt64) {
        let buffer = OutputBuffer()
        buffer.append(decimal: number)
        buffer.append(" ")
        buffer.append(hex: number, digits: 16)
        let hex = String(number, radix: 16)
        let padded = String(repeating: "0", count: 16 - hex.count) + hex
        #expect(String(decoding: take(100, from: buffer), as: UTF8.self) == "\(number) \(padded)")
    }
}
