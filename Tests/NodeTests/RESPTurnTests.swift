import Reactor
import TestSupport
import Testing

@testable import Node

/// A pipeline of the Redis protocol gets its share of each turn of the loop, however fast its client reads.
@Suite(.serialized) struct RESPTurnTests {
    private static let node = TestNode.start(loops: 1)

    /// Notes the most commands that were run between two turns of a loop.
    private final class Watch: Sendable {
        let loop: EventLoop
        private let state = Monitor((seen: UInt64(0), most: UInt64(0), isOver: false))

        init(loop: EventLoop) {
            self.loop = loop
            loop.execute { [self] in
                state.withLock { $0.seen = LoopParts.of(loop).resp.callCount }
                look()
            }
        }

        private func look() {
            let count = LoopParts.of(loop).resp.callCount
            let isOver = state.withLock { state in
                state.most = max(state.most, count - state.seen)
                state.seen = count
                return state.isOver
            }
            if !isOver { loop.execute { [self] in look() } }
        }

        func end() -> UInt64 {
            state.withLock { state in
                state.isOver = true
                return state.most
            }
        }
    }

    /// Sends `command` so many times at once, reads `size` bytes, and returns the most that one turn did.
    private func pipeline(_ command: String, count: Int, size: Int) throws -> UInt64 {
        let client = try ClientSocket(port: Self.node.respAddress.port)
        let watch = Watch(loop: Self.node.context.group.loops[0])
        try client.send(String(repeating: command + "\r\n", count: count))
        var received = 0
        while received < size {
            let more = try client.receive()
            try #require(!more.isEmpty)
            received += more.count
        }
        #expect(received == size)
        return watch.end()
    }

    private func set(_ key: String, size: Int) throws {
        let client = try ClientSocket(port: Self.node.respAddress.port)
        let value = String(repeating: "x", count: size)
        try client.send("*3\r\n$3\r\nSET\r\n$\(key.utf8.count)\r\n\(key)\r\n$\(size)\r\n\(value)\r\n")
        #expect(try client.receive() == Array("+OK\r\n".utf8))
    }

    @Test func commandsForMuchAreRunInShares() throws {
        let size = 16_000
        try set("much", size: size)
        let most = try pipeline("GET much", count: 2_000, size: 2_000 * (size + "$16000\r\n\r\n".utf8.count))
        // A look may have two turns between it and the one before.
        #expect((1...UInt64(2 * ((1 << 20) / size + 2))).contains(most))
    }

    @Test func commandsForLongWorkAreRunInShares() throws {
        try set("long", size: 1 << 20)
        let most = try pipeline("BITCOUNT long", count: 100, size: 100 * ":4194304\r\n".utf8.count)
        #expect((1...60).contains(most))
    }
}
