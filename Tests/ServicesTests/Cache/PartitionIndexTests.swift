import Reactor
import TestSupport
import Testing

@testable import Services

@Suite struct PartitionIndexTests {
    /// Large enough for mapped tables and several growths; the whole ten million in an optimised build.
    private static var many: Int {
        #if DEBUG
            600_000
        #else
            10_000_000
        #endif
    }

    @Test func growingMovesABoundedNumberOfSlotsPerInsert() {
        var index = PartitionIndex()
        var generator = SeededRandom(seed: 5)
        var most: UInt64 = 0
        for number in 1...Self.many {
            let moved = index.moved
            index.insert(UInt32.random(in: 0 ... .max, using: &generator), UInt32(number))
            most = max(most, index.moved - moved)
        }
        // Equal hashes are moved together: a few more than the bound.
        #expect(most <= UInt64(PartitionIndex.moveVisits) + 4)
        #expect(index.count == Self.many)
        // Five sixths of a growth's slots are moved for each entry that it makes room for, and so on.
        #expect(index.moved < UInt64(Self.many) * 6)
    }

    @Test func everyHashIsFoundWhileTheIndexGrowsAndShrinks() {
        var index = PartitionIndex()
        var generator = SeededRandom(seed: 6)
        var twin: [(hash: UInt32, ref: UInt32)] = []
        var ref: UInt32 = 0
        for round in 0..<12 {
            for _ in 0..<4_000 {
                let isGrowing = round % 4 < 2
                if isGrowing || twin.isEmpty {
                    ref += 1
                    // One in eight shares its hash with others.
                    let hash =
                        Bool.random(using: &generator)
                        ? UInt32.random(in: 0 ... .max, using: &generator) : (ref / 8) << 20
                    index.insert(hash, ref)
                    twin.append((hash, ref))
                } else {
                    let place = Int.random(in: 0..<twin.count, using: &generator)
                    index.remove(twin[place].hash, twin[place].ref)
                    twin.swapAt(place, twin.count - 1)
                    twin.removeLast()
                }
            }
            #expect(index.count == twin.count)
            for (hash, ref) in twin {
                #expect(Self.refs(of: hash, in: index).contains(ref))
            }
            var refs: [UInt32] = []
            var visits = Int.max
            _ = index.collect(from: 0, into: &refs, entriesMax: .max, visits: &visits)
            #expect(refs.sorted() == twin.map(\.ref).sorted())
        }
    }

    @Test func shrinkingGivesTheMemoryBack() {
        var index = PartitionIndex()
        for number in 1...100_000 as ClosedRange<UInt32> {
            index.insert(number &* 0x9E37_79B1, number)
        }
        for number in 1...99_990 as ClosedRange<UInt32> {
            index.remove(number &* 0x9E37_79B1, number)
        }
        while index.isMoving {
            index.move(visits: 1_000)
        }
        #expect(index.bytes < 2_000)
        #expect(Self.refs(of: 100_000 &* 0x9E37_79B1, in: index) == [100_000])
    }

    @Test func oneHashForAllOverflowsTheTailAndIsStillFound() {
        var index = PartitionIndex()
        for number in 1...1_000 as ClosedRange<UInt32> {
            index.insert(.max, number)
        }
        #expect(Self.refs(of: .max, in: index).count == 1_000)
        for number in 1...1_000 as ClosedRange<UInt32> {
            index.remove(.max, number)
        }
        #expect(index.count == 0)
    }

    @Test func stepsReturnEqualHashesTogetherAndStopAtTheirBounds() {
        var index = PartitionIndex()
        for number in 1...3_000 as ClosedRange<UInt32> {
            index.insert((number / 3) << 20, number)
        }
        var seen: [UInt32] = []
        var start: UInt64 = 0
        while start < PartitionIndex.hashEnd {
            var refs: [UInt32] = []
            var visits = 50
            start = index.collect(from: start, into: &refs, entriesMax: 10, visits: &visits)
            #expect(refs.count <= 12)
            #expect(visits > -4)
            #expect(Set(refs.map { $0 / 3 }).isDisjoint(with: seen.map { $0 / 3 }))
            seen += refs
        }
        #expect(seen.sorted() == Array(1...3_000))
    }

    private static func refs(of hash: UInt32, in index: borrowing PartitionIndex) -> [UInt32] {
        var refs: [UInt32] = []
        var probe = index.probe(hash)
        while true {
            let ref = index.next(&probe)
            if ref == 0 { return refs }
            refs.append(ref)
        }
    }
}
