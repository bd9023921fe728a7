import Reactor

/// Bits of strings, of which bit 0 is the highest of the first byte.
extension Span<UInt8> {
    /// How many of the bits in `range` are set.
    func bitCount(in range: ClosedRange<Int>) -> Int {
        let (first, last) = (range.lowerBound / 8, range.upperBound / 8)
        // Whole bytes first, then without what the outer two have beyond the range.
        var count = 0
        var index = first
        while last - index >= 8 {
            count += word(at: index).nonzeroBitCount
            index += 8
        }
        while index <= last {
            count += self[index].nonzeroBitCount
            index += 1
        }
        let before = self[first] & ~(0xFF >> UInt8(range.lowerBound % 8))
        let behind = self[last] & (0x7F >> UInt8(range.upperBound % 8))
        return count - before.nonzeroBitCount - behind.nonzeroBitCount
    }

    /// Where in `range` the first bit is that is set, or is not.
    func firstBit(_ isSet: Bool, in range: ClosedRange<Int>) -> Int? {
        let flip: UInt8 = isSet ? 0 : 0xFF
        let last = range.upperBound / 8
        var index = range.lowerBound / 8
        let head = (self[index] ^ flip) & (0xFF >> UInt8(range.lowerBound % 8))
        if head == 0 {
            index += 1
            while last - index >= 8, word(at: index) == (isSet ? 0 : .max) { index += 8 }
            while index <= last, self[index] ^ flip == 0 { index += 1 }
            guard index <= last else { return nil }
        }
        let byte = head == 0 ? self[index] ^ flip : head
        let place = index * 8 + byte.leadingZeroBitCount
        return range.contains(place) ? place : nil
    }
}
