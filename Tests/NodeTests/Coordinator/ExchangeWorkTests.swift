import Cluster
import Reactor
import Services
import TestSupport
import Testing

@testable import Node

struct ExchangeWorkTests {
    private static let answers = [
        CapturedAnswer(status: HTTPStatus(200), fields: Array("ETag: \"v1\"\r\nX: y\r\n".utf8), body: [0, 255]),
        CapturedAnswer(status: HTTPStatus(204), fields: [], body: []),
    ]

    @Test(arguments: answers) func answerIsReadAsItWasWritten(_ answer: CapturedAnswer) throws {
        let bytes = CapturedAnswerCodec.encode(answer)
        #expect(try CapturedAnswerCodec.decode(bytes) == answer)
        for length in bytes.indices {
            #expect(throws: WireFault.self) { try CapturedAnswerCodec.decode(Array(bytes.prefix(length))) }
        }
    }

    @Test func answerThatNobodyCanGiveIsRefused() {
        var bytes = CapturedAnswerCodec.encode(Self.answers[1])
        bytes[0] = 205
        #expect(throws: WireFault.invalid) { try CapturedAnswerCodec.decode(bytes) }
        let half = CapturedAnswer(status: HTTPStatus(200), fields: Array("ETag".utf8), body: [])
        #expect(throws: WireFault.invalid) { try CapturedAnswerCodec.decode(CapturedAnswerCodec.encode(half)) }
    }

    private static let operations: [BatchOperation] = {
        let version = Version(time: 1 << 40, node: 9)
        let conditions: [CacheCondition] = [
            .always, .ifAbsent, .ifPresent, .ifVersion([version, .zero]), .ifNotVersion([]),
        ]
        let puts = conditions.map { condition in
            BatchOperation.Put(
                value: [1, 0, 2], contentType: Array("a/b".utf8), contentEncoding: [], ttl: 5, stale: nil,
                tags: [[1], [2, 3]], condition: condition)
        }
        return puts.map { BatchOperation(key: [7], action: .put($0)) } + [
            BatchOperation(key: [0], action: .get), BatchOperation(key: [1, 2], action: .delete),
            BatchOperation(key: [3], action: .increment(by: -4, ttl: 60_000)),
        ]
    }()

    private func read(_ bytes: [UInt8]) throws -> BatchWork {
        var reader = WireReader(bytes.span)
        let work = try BatchWork(&reader)
        try reader.finish()
        return work
    }

    @Test func operationsAreReadAsTheyWereWritten() throws {
        let bytes = BatchWork(Self.operations, requestID: "grüße").forwarded.bytes
        let work = try read(bytes)
        #expect(work.forwarded.bytes == bytes)
        #expect(work.isChange)
        for length in bytes.indices {
            #expect(throws: WireFault.self) { try self.read(Array(bytes.prefix(length))) }
        }
        #expect(try !read(BatchWork([Self.operations[5]], requestID: "").forwarded.bytes).isChange)
    }

    @Test func operationsFromAlteredBytesAreRefusedOrWhole() {
        let bytes = BatchWork(Self.operations, requestID: "id").forwarded.bytes
        var random = SeededRandom(seed: 5)
        for place in bytes.indices {
            var altered = bytes
            altered[place] ^= UInt8.random(in: 1...255, using: &random)
            guard let work = try? read(altered) else { continue }
            #expect(work.forwarded.bytes.count == altered.count)
        }
    }

    @Test func headThatIsNoneOfAKeyIsRefused() throws {
        let node = TestNode.ofOneLoop
        let loop = node.context.group.loops[0]
        let heads = [
            "", "GET", "GET /v1/cache/k HTTP/1.1\r\n", "GET /v1/cache/k HTTP/1.1\r\n\r\n",
            "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n", "PATCH /v1/cache/k HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /v1/cache/k HTTP/1.1\r\nHost: a\r\n\r\nX",
            "PUT /v1/cache/k HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
        ]
        for (index, head) in (heads + ["GET /v1/cache/k HTTP/1.1\r\nHost: a\r\n\r\n"]).enumerated() {
            let isRead = loop.wait {
                let exchange = try? HTTPExchange.apart(on: loop, head: Array(head.utf8).span)
                return exchange.flatMap { node.context.api.keyedAction(of: $0) } != nil
            }
            #expect(isRead == (index == heads.count), "\(head)")
        }
    }
}
