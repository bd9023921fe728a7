import TestSupport
import Testing

@testable import Node

@Suite struct CommonSubsequenceTests {
    /// By trying everything, from the ends.
    private func naiveLength(_ first: ArraySlice<UInt8>, _ second: ArraySlice<UInt8>) -> Int {
        guard let left = first.last, let right = second.last else { return 0 }
        if left == right { return naiveLength(first.dropLast(), second.dropLast()) + 1 }
        return max(naiveLength(first.dropLast(), second), naiveLength(first, second.dropLast()))
    }

    @Test func noCommonSubsequenceIsLongerAndMatchesSpellIt() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        for _ in 0..<500 {
            let strings = (0..<2).map { _ in
                (0..<Int.random(in: 0...9, using: &random)).map { _ in UInt8.random(in: 97...99, using: &random) }
            }
            let (first, second) = (strings[0], strings[1])
            let common = CommonSubsequence(first.span, second.span)
            let length = CommonSubsequence.length(first.span, second.span)
            #expect(common.bytes.count == naiveLength(first[...], second[...]), "seed \(seed)")
            #expect(length == common.bytes.count, "seed \(seed)")
            let matches = common.matches.reversed()
            #expect(matches.flatMap { first[$0.first] } == common.bytes, "seed \(seed)")
            #expect(matches.flatMap { second[$0.second] } == common.bytes, "seed \(seed)")
            for (match, next) in zip(matches, matches.dropFirst()) {
                #expect(match.first.upperBound < next.first.lowerBound, "seed \(seed)")
                #expect(match.second.upperBound < next.second.lowerBound, "seed \(seed)")
            }
        }
    }

    @Test(arguments: [(0, 0, 4), (3, 4, 80), (262_143, 0, 1 << 20), (Int(UInt32.max), Int(UInt32.max) << 31, Int.max)])
    func theTableHasFourBytesForEachPairOfPrefixes(first: Int, second: Int, bytes: Int) {
        #expect(CommonSubsequence.tableBytes(first, second) == bytes)
    }
}
