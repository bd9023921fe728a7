import Cluster
import TestSupport
import Testing

@testable import Services

@Suite struct EntryCodecTests {
    /// The parts of an entry as arrays.
    private struct Plain: Equatable {
        var key: [UInt8]
        var value: [UInt8]
        var deadlines = Deadlines.none
        var type: [UInt8] = []
        var encoding: [UInt8] = []
        var tags: [UInt64] = []

        init(_ key: [UInt8], _ value: [UInt8]) {
            self.key = key
            self.value = value
        }

        init(reading bytes: [UInt8]) throws(WireFault) {
            let parts = try EntryCodec.Parts(bytes.span)
            key = array(parts.key)
            value = array(parts.value)
            deadlines = parts.deadlines
            type = array(parts.contentType)
            encoding = array(parts.contentEncoding)
            tags = parts.tags
        }

        var written: [UInt8] {
            let metadata = CacheMetadata(
                deadlines: deadlines, contentType: type.span, contentEncoding: encoding.span, tags: tags.span)
            return EntryCodec.encode(key: key.span, value.span, metadata)
        }
    }

    private static func fault(_ bytes: [UInt8]) -> WireFault? {
        do {
            _ = try Plain(reading: bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test func whatIsWrittenIsRead() throws {
        for keyLength in [0, 1, 20, CacheKey.lengthMax] {
            for valueLength in [0, 1, 70_000] {
                for deadlines in [Deadlines.none, Deadlines(expiresAt: 7), Deadlines(expiresAt: 7, staleUntil: 9)] {
                    for extras in 0..<8 {
                        var entry = Plain(
                            [UInt8](repeating: 1, count: keyLength), [UInt8](repeating: 2, count: valueLength))
                        entry.deadlines = deadlines
                        entry.type = extras & 1 == 0 ? [] : bytes("text/html")
                        entry.encoding = extras & 2 == 0 ? [] : bytes("br")
                        entry.tags = extras & 4 == 0 ? [] : [1, .max]
                        let read = try Plain(reading: entry.written)
                        #expect(read == entry)
                    }
                }
            }
        }
    }

    @Test func formatIsAsItIsDocumented() {
        var entry = Plain(bytes("k"), bytes("value"))
        #expect(entry.written == [0, 0, 1, 0] + bytes("kvalue"))
        entry.deadlines = Deadlines(expiresAt: 0x0102, staleUntil: 0x0103)
        (entry.type, entry.encoding, entry.tags) = (bytes("t"), bytes("e"), [5])
        let head: [UInt8] = [31, 0, 1, 0, 2, 1, 0, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0, 0, 0, 0]
        let extras: [UInt8] = [1, 116, 1, 101, 1, 5, 0, 0, 0, 0, 0, 0, 0]
        #expect(entry.written == head + extras + bytes("kvalue"))
    }

    @Test func whatIsNoEntryIsAFault() {
        let zeros = [UInt8](repeating: 0, count: 300)
        #expect(Self.fault([]) == .truncated)
        #expect(Self.fault([0, 0, 2, 0, 1]) == .truncated)
        #expect(Self.fault([32, 0, 0, 0]) == .invalid)
        #expect(Self.fault([0, 9, 0, 0]) == .invalid)
        #expect(Self.fault([0, 0, 1, 128]) == .tooLong)
        #expect(Self.fault([1, 0, 0, 0] + zeros) == .invalid)
        #expect(Self.fault([1, 0, 0, 0] + [UInt8](repeating: 255, count: 8)) == .invalid)
        #expect(Self.fault([2, 0, 0, 0, 1] + zeros) == .invalid)
        #expect(Self.fault([4, 0, 0, 0, 0]) == .invalid)
        #expect(Self.fault([8, 0, 0, 0, 65] + zeros) == .tooLong)
        #expect(Self.fault([16, 0, 0, 0, 33] + zeros) == .tooLong)
    }

    /// And what is read is written as it was: there is one form of each entry.
    @Test func anyBytesAreAnEntryOrAFault() {
        var random = SeededRandom(seed: 11)
        var entries = 0
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0..<60, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            // Small numbers where there are numbers, so that many are entries.
            for index in bytes.indices where index < 24 && index != 5 { bytes[index] &= index < 2 ? 16 >> index : 3 }
            if Bool.random(using: &random), bytes.count > 1 { (bytes[0], bytes[1]) = (bytes[0] | 4, 0) }
            guard let entry = try? Plain(reading: bytes) else { continue }
            entries += 1
            #expect(entry.written == bytes)
        }
        #expect(entries > 1_000)
    }
}
