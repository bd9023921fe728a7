import Cluster
import TestSupport
import Testing

@testable import Services

@Suite struct CacheArenaTests {
    @Test func sizeClassesWasteLittle() {
        let classes = SizeClasses()
        for bytes in SizeClasses.blockMin...RecordShape.inlineMax {
            let block = classes.bytes(classes.index(for: bytes))
            #expect(block >= bytes && block % CacheArena.unitBytes == 0)
            #expect(block < bytes + 16 || block <= bytes * 5 / 4 + 16, "\(bytes) in \(block)")
        }
        for index in 0..<classes.count {
            let block = classes.bytes(index)
            #expect(CacheArena.pageBytes / block * block >= CacheArena.pageBytes * 97 / 100, "\(block)")
        }
        #expect(classes.bytes(classes.index(for: CacheArena.pageBytes)) == CacheArena.pageBytes)
    }

    @Test func pagesAreTakenLowestFirstAndGivenBack() throws {
        var arena = try CacheArena(reserving: 1 << 30)
        let whole = arena.classes.index(for: CacheArena.pageBytes)
        var refs: [UInt32] = []
        for _ in 0..<200 {
            refs.append(try take(&arena, whole))
        }
        #expect(arena.pageCount == 200)
        #expect(refs == (1...200).map { $0 * UInt32(CacheArena.pageUnits) })
        arena.free(refs[150])
        arena.free(refs[3])
        arena.free(refs[70])
        // The first empty page of a class without other room is kept for its next block.
        #expect(arena.pageCount == 198)
        let again = [try take(&arena, whole), try take(&arena, whole), try take(&arena, whole)]
        #expect(again == [refs[150], refs[3], refs[70]])
    }

    @Test func blocksDoNotOverlap() throws {
        var arena = try CacheArena(reserving: 1 << 30)
        var generator = SeededRandom(seed: 3)
        var blocks: [(ref: UInt32, bytes: Int, mark: UInt64)] = []
        for turn in 0..<20_000 {
            if blocks.isEmpty || Int.random(in: 0..<5, using: &generator) < 3 {
                let sizeClass = Int.random(in: 0..<arena.classes.count - 6, using: &generator)
                let ref = try take(&arena, sizeClass)
                arena.record(ref).version = .init(time: UInt64(turn), node: 0)
                blocks.append((ref, arena.classes.bytes(sizeClass), UInt64(turn)))
            } else {
                let place = Int.random(in: 0..<blocks.count, using: &generator)
                #expect(arena.record(blocks[place].ref).version.time == blocks[place].mark)
                arena.free(blocks[place].ref)
                blocks.swapAt(place, blocks.count - 1)
                blocks.removeLast()
            }
        }
        let sorted = blocks.sorted { $0.ref < $1.ref }
        for (block, next) in zip(sorted, sorted.dropFirst()) {
            #expect(Int(block.ref) * 16 + block.bytes <= Int(next.ref) * 16)
        }
    }

    @Test func usedUpReservationIsSaid() throws {
        var arena = try CacheArena(reserving: 4 * CacheArena.pageBytes)
        let whole = arena.classes.index(for: CacheArena.pageBytes)
        for _ in 0..<3 {
            _ = try take(&arena, whole)
        }
        let block = arena.allocate(whole)
        #expect(block == nil)
    }

    private func take(_ arena: inout CacheArena, _ sizeClass: Int) throws -> UInt32 {
        let block = arena.allocate(sizeClass)
        let ref = try #require(block)
        arena.record(ref).flags = .live
        return ref
    }
}
