import Cluster

/// The slot in which Redis Cluster would have a key: CRC-16/XMODEM of its hash tag (polynomial 0x1021, from 0, no
/// reflection), modulo 16384. Only clients of clusters ask; where a key lives here, `PartitionID` says.
enum KeySlot {
    static let count = 16_384

    static func of(_ key: Span<UInt8>) -> Int {
        let tag = PartitionID.hashTag(of: key)
        var sum: UInt16 = 0
        for index in tag.indices {
            sum ^= UInt16(tag[index]) << 8
            for _ in 0..<8 { sum = sum & 0x8000 == 0 ? sum << 1 : sum << 1 ^ 0x1021 }
        }
        return Int(sum) % count
    }
}
