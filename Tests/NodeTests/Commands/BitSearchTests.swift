import TestSupport
import Testing

@testable import Node

@Suite struct BitSearchTests {
    /// A string as its bits, the highest of each byte first.
    private func bits(of bytes: [UInt8]) -> [Bool] {
        bytes.flatMap { byte in (0..<8).map { byte & (0x80 >> UInt8($0)) != 0 } }
    }

    @Test func countsAndPlacesAgreeWithAListOfBits() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        for _ in 0..<4_000 {
            let bytes = (0..<Int.random(in: 1...40, using: &random)).map { _ in
                [0, 0xFF, UInt8.random(in: 0...255, using: &random)][Int(random.next() % 5 / 2)]
            }
            let list = bits(of: bytes)
            let start = Int.random(in: 0..<list.count, using: &random)
            let range = start...Int.random(in: start..<list.count, using: &random)
            let count = bytes.span.bitCount(in: range)
            #expect(count == list[range].count { $0 }, "seed \(seed): \(bytes) \(range)")
            for isSet in [false, true] {
                let place = bytes.span.firstBit(isSet, in: range)
                #expect(place == list[range].firstIndex(of: isSet), "seed \(seed): \(bytes) \(range) \(isSet)")
            }
        }
    }

    @Test func aWindowReadsAndWritesItsBitsAndNoOthers() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        for _ in 0..<4_000 {
            let bytes = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let (offset, count) = (Int.random(in: 0...100, using: &random), Int.random(in: 1...64, using: &random))
            var list = bits(of: bytes)
            list += Array(repeating: false, count: max(0, (offset + count + 7) / 8 * 8 - list.count))
            var window = BitWindow(of: bytes.span, from: offset, count: count)
            let number = list[offset..<offset + count].reduce(0) { $0 << 1 | ($1 ? 1 : 0) } as UInt64
            #expect(window.bits == number, "seed \(seed)")

            let new = random.next() >> UInt64(64 - count)
            window.bits = new
            #expect(window.bits == new, "seed \(seed)")
            for index in 0..<count { list[offset + index] = new >> UInt64(count - 1 - index) & 1 == 1 }
            let written = window.span.indices.map { window.span[$0] }
            let end = window.firstByte + written.count
            #expect(bits(of: written) == Array(list[window.firstByte * 8..<end * 8]), "seed \(seed)")
        }
    }
}
