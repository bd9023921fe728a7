import Cluster
import Reactor
import TestSupport
import Testing

@testable import Node

struct ReplyCodecTests {
    static let replies: [Reply] = [
        .ok, .status("QUEUED"), .line("a line"), .integer(Int64.min), .integer(Int64.max), .bytes([]),
        .bytes([0, 255, 10]),
        .text("grüße"), .double(0.1), .double(-.infinity), .null, .nullArray, .array([]),
        .array([.integer(Int64(1)), .array([.null, .ok]), .error(.noSuchKey)]), .map([.text("a"), .null]),
        .set([.bytes([1])]), .verbatim("text\n"), .error(.wrongType), .blob(Blob(copying: [1, 2, 3].span)),
        .slice(Blob(copying: [1, 2, 3].span), 1..<2),
    ]

    private func wire(_ reply: Reply, _ version: RESPVersion) -> [UInt8] {
        let output = OutputBuffer()
        RESPWriter(output, version).write(reply)
        return output.contents
    }

    @Test(arguments: replies.indices) func clientsSeeTheReplyThatWasWritten(_ index: Int) throws {
        let reply = Self.replies[index]
        let read = try ReplyCodec.decode(ReplyCodec.encode(reply))
        for version in [RESPVersion.two, .three] { #expect(wire(read, version) == wire(reply, version)) }
        var (json, expected) = (JSONWriter(), JSONWriter())
        json.result(read, isBase64: true)
        expected.result(reply, isBase64: true)
        #expect(json.bytes == expected.bytes)
    }

    @Test(arguments: replies.indices) func everyPrefixOfAReplyIsRefused(_ index: Int) {
        let bytes = ReplyCodec.encode(Self.replies[index])
        for length in bytes.indices {
            #expect(throws: WireFault.self) { try ReplyCodec.decode(Array(bytes.prefix(length))) }
        }
        #expect(throws: WireFault.self) { try ReplyCodec.decode(bytes + [0]) }
    }

    @Test func bytesWithoutSenseAreRefusedOrRead() {
        var random = SeededRandom(seed: 3)
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...UInt8.random(in: 0...255, using: &random), using: &random)
            }
            guard let reply = try? ReplyCodec.decode(bytes) else { continue }
            #expect(ReplyCodec.encode(reply).count == bytes.count || reply.copiedBytes > 0)
        }
        #expect(throws: WireFault.tooLong) { try ReplyCodec.decode([7, 255, 255, 255, 255]) }
        let nested = [[UInt8]](repeating: [7, 1, 0, 0, 0], count: 20).joined()
        #expect(throws: WireFault.tooLong) { try ReplyCodec.decode(Array(nested)) }
    }

    @Test func longOutcomesAreRememberedAsSuchOnly() {
        let short = [UInt8](repeating: 1, count: WriteMark.outcomeBytesMax - 1)
        #expect(RememberedOutcome.bytes(short).count == WriteMark.outcomeBytesMax)
        #expect(RememberedOutcome.outcome(RememberedOutcome.bytes(short)) == short)
        #expect(RememberedOutcome.outcome(RememberedOutcome.bytes([])) == [])
        #expect(RememberedOutcome.outcome(RememberedOutcome.bytes(short + [1])) == nil)
        #expect(RememberedOutcome.outcome([]) == nil)
    }
}
