import Cluster
import Foundation
import Reactor
import TestSupport
import Testing

struct PartitionIDTests {
    private struct Vectors: Decodable {
        struct Key: Decodable {
            let key, tag, note: String
            let partition: UInt16
        }
        struct Placement: Decodable {
            let cluster, seed: String
            let keys: [Key]
        }
        let clusters: [Placement]

        static func load() throws -> Vectors {
            let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            let data = try Data(contentsOf: folder.appending(path: "Vectors/partitions.json"))
            return try JSONDecoder().decode(Vectors.self, from: data)
        }
    }

    @Test func partitionsAgreeWithThePublishedVectors() throws {
        let vectors = try Vectors.load()
        #expect(vectors.clusters.count == 2)
        for placement in vectors.clusters {
            let seed = PlacementSeed(clusterName: placement.cluster)
            #expect(seed.rawValue == UInt64(placement.seed, radix: 16))
            #expect(placement.keys.count >= 30)
            for vector in placement.keys {
                let decoded = Hex.decode(vector.key.utf8.span)
                let key = try #require(decoded)
                #expect(Hex.encode(PartitionID.hashTag(of: key.span)) == Array(vector.tag.utf8), "\(vector.note)")
                #expect(PartitionID(of: key.span, seed: seed).rawValue == vector.partition, "\(vector.note)")
            }
        }
    }

    @Test(arguments: [
        ("{user1000}.following", "user1000"), ("foo{}{bar}", "foo{}{bar}"), ("foo{{bar}}zap", "{bar"),
        ("foo{bar}{zap}", "bar"), ("{bar", "{bar"), ("bar}", "bar}"), ("}{a}", "a"), ("{}", "{}"), ("", ""), ("{", "{"),
        ("{a}", "a"), ("{a", "{a"), ("a}b{", "a}b{"),
    ])
    func hashTagIsWhatRedisClusterTakes(key: String, tag: String) {
        let found = PartitionID.hashTag(of: key.utf8.span)
        #expect(Hex.encode(found) == Hex.encode(tag.utf8.span))
    }

    @Test(arguments: [11, 12, 13] as [UInt64])
    func hashTagAgreesWithASearchOfStrings(seed: UInt64) {
        var generator = SeededRandom(seed: seed)
        for _ in 0..<5_000 {
            let length = Int.random(in: 0...8, using: &generator)
            let key = String((0..<length).map { _ in "{}ab".randomElement(using: &generator) ?? "a" })
            var expected = key[...]
            if let open = key.firstIndex(of: "{") {
                let rest = key[key.index(after: open)...]
                if let close = rest.firstIndex(of: "}"), close > rest.startIndex { expected = rest[..<close] }
            }
            let found = PartitionID.hashTag(of: key.utf8.span)
            #expect(Hex.encode(found) == Hex.encode(String(expected).utf8.span), "seed \(seed), key \(key)")
        }
    }

    @Test func keysSpreadEvenly() {
        let seed = PlacementSeed(clusterName: "tribe")
        var counts = [Int](repeating: 0, count: PartitionID.count)
        for number in 0..<102_400 {
            counts[Int(PartitionID(of: "key:\(number)".utf8.span, seed: seed).rawValue)] += 1
        }
        // The mean is 100 and a deviation 10: six of them.
        #expect(counts.allSatisfy { 40...160 ~= $0 })
    }

    @Test func anotherClusterNamePlacesKeysElsewhere() {
        let one = PlacementSeed(clusterName: "one")
        let two = PlacementSeed(clusterName: "two")
        let kept = (0..<1_000).filter { number in
            let key = "key:\(number)"
            return PartitionID(of: key.utf8.span, seed: one) == PartitionID(of: key.utf8.span, seed: two)
        }
        #expect(kept.count < 20)
    }
}
