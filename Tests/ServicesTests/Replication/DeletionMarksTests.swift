import Cluster
import TestSupport
import Testing

@testable import Services

@Suite struct DeletionMarksTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func marksAgreeWithADictionary(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var marks = DeletionMarks()
        var twin: [UInt64: Version] = [:]
        for turn in 1...4_000 {
            // Many share an upper half.
            let hash = UInt64.random(in: 0..<40, using: &random) << 58 | UInt64.random(in: 0..<20, using: &random)
            let version = Version(time: UInt64(turn), node: 1)
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<60:
                let old = marks.set(hash, version)
                #expect(old == twin.updateValue(version, forKey: hash))
            case 60..<99:
                let old = marks.remove(hash)
                #expect(old == twin.removeValue(forKey: hash))
            default:
                let time = UInt64(turn) - min(UInt64(turn), 300)
                let gone = marks.forget(through: time)
                #expect(Set(gone.map(\.keyHash)) == Set(twin.filter { $0.value.time <= time }.keys), "seed \(seed)")
                twin = twin.filter { $0.value.time > time }
            }
            let (count, known) = (marks.count, marks.version(of: hash))
            #expect(count == twin.count && known == twin[hash])
        }
        for start in [UInt64(0), 1 << 30, 1 << 31] {
            let range = start..<(start + 1 << 31)
            var seen: Set<UInt64> = []
            marks.forEach(in: range) { seen.insert($0.keyHash) }
            #expect(seen == Set(twin.keys.filter { range.contains($0 >> 32) }))
        }
        _ = marks.forget(through: .max)
        let (count, size) = (marks.count, marks.bytes)
        #expect(count == 0 && size == 0)
    }
}
