import TestSupport
import Testing

@testable import Node
@testable import Reactor

@Suite struct OpenAPIAnswerTests {
    private static let node = TestNode.start(loops: 1)

    /// What waits in a connection's buffers: all of it, and the part that was copied there.
    private static func waiting(_ buffers: [OutputBuffer]) -> (all: Int, copied: Int) {
        (buffers.reduce(0) { $0 + $1.remaining }, buffers.reduce(0) { $0 + $1.mark.bytes })
    }

    @Test func theDocumentIsSentByReference() throws {
        let socket = try ClientSocket(port: Self.node.httpAddress.port, receiveBuffer: 4_096)
        try socket.send(String(repeating: request("GET", "/openapi.json"), count: 200))
        let loop = Self.node.context.group.loops[0]
        let waiting = Monitor((all: 0, copied: 0))
        let isWaiting = Deadline.waitUntil {
            loop.wait {
                let buffers = loop.connections.all.flatMap { [$0.sending, $0.gathering].compactMap(\.self) }
                waiting.withLock { $0 = Self.waiting(buffers) }
                return loop.connections.all.contains { $0.writingCount > 0 }
            }
        }
        #expect(isWaiting)
        // How many answers wait depends on what fits into one turn; heads are all that is copied of them.
        #expect(waiting.now.all > 64 << 10)
        #expect(waiting.now.copied < 64 << 10)
    }
}
