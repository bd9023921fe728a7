import Reactor
import TestSupport
import Testing

@testable import Node

/// Clients of RESP3, to whom messages are pushes.
@Suite(.serialized) struct RESPPushTests {
    private static let node = TestNode.start(loops: 2)

    /// A client that speaks RESP3, whichever loop it is on.
    private func connect() throws -> ClientSocket {
        let socket = try ClientSocket(port: Self.node.respAddress.port)
        try ask(socket, "PING", "+PONG\r\n")
        for loop in Self.node.context.group.loops {
            loop.wait {
                for client in LoopParts.of(loop).resp.clients.values { client.session.version = .three }
            }
        }
        return socket
    }

    private func ask(_ socket: ClientSocket, _ command: String, _ expected: String) throws {
        try socket.send(command + "\r\n")
        try expect(socket, expected)
    }

    private func expect(_ socket: ClientSocket, _ expected: String) throws {
        var bytes: [UInt8] = []
        while bytes.count < expected.utf8.count {
            let more = try socket.receive()
            guard !more.isEmpty else { break }
            bytes += more
        }
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test func confirmationsAndMessagesArePushes() throws {
        let (subscriber, publisher) = (try connect(), try connect())
        try ask(
            subscriber, "SUBSCRIBE a b",
            ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n")
        try ask(subscriber, "PSUBSCRIBE *", ">3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:3\r\n")
        try ask(publisher, "PUBLISH a hi", ":2\r\n")
        try expect(
            subscriber,
            ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"
                + ">4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\na\r\n$2\r\nhi\r\n")
        try ask(subscriber, "PUNSUBSCRIBE", ">3\r\n$12\r\npunsubscribe\r\n$1\r\n*\r\n:2\r\n")
        try ask(subscriber, "PUNSUBSCRIBE", ">3\r\n$12\r\npunsubscribe\r\n_\r\n:2\r\n")
    }

    @Test func everyCommandIsAllowed() throws {
        let subscriber = try connect()
        try ask(subscriber, "SUBSCRIBE a", ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
        try ask(subscriber, "SET key value", "+OK\r\n")
        try ask(subscriber, "GET key", "$5\r\nvalue\r\n")
        try ask(subscriber, "PING", "+PONG\r\n")
        try ask(subscriber, "PING x", "$1\r\nx\r\n")
    }

    @Test func aMessageOfOnesOwnComesBeforeTheReplyToPublishing() throws {
        let subscriber = try connect()
        try ask(subscriber, "SUBSCRIBE own", ">3\r\n$9\r\nsubscribe\r\n$3\r\nown\r\n:1\r\n")
        try ask(subscriber, "PUBLISH own x", ">3\r\n$7\r\nmessage\r\n$3\r\nown\r\n$1\r\nx\r\n:1\r\n")
    }

    @Test func repliesAndPushesAreNeverTornApart() throws {
        let (subscriber, publisher) = (try connect(), try connect())
        try ask(subscriber, "SUBSCRIBE mix", ">3\r\n$9\r\nsubscribe\r\n$3\r\nmix\r\n:1\r\n")
        let (push, reply) = (">3\r\n$7\r\nmessage\r\n$3\r\nmix\r\n$1\r\nm\r\n", "$1\r\nv\r\n")
        var commands = ""
        for index in 0..<200 { commands += "SET mix:\(index) v\r\nGET mix:\(index)\r\n" }
        try subscriber.send(commands)
        for _ in 0..<200 { try ask(publisher, "PUBLISH mix m", ":1\r\n") }
        var text = ""
        let count = 200 * (push.utf8.count + reply.utf8.count + "+OK\r\n".utf8.count)
        while text.utf8.count < count {
            let more = try subscriber.receive()
            guard !more.isEmpty else { break }
            text += String(decoding: more, as: UTF8.self)
        }
        #expect(text.components(of: push) == 200)
        let replies = text.removing(push)
        #expect(replies == String(repeating: "+OK\r\n" + reply, count: 200))
    }

    @Test func aHalfClosedSubscriberGetsNothingMore() throws {
        let (subscriber, publisher) = (try connect(), try connect())
        try ask(subscriber, "SUBSCRIBE half", ">3\r\n$9\r\nsubscribe\r\n$4\r\nhalf\r\n:1\r\n")
        subscriber.shutDownSending()
        #expect(try subscriber.receiveToEnd().isEmpty)
        try ask(publisher, "PUBLISH half x", ":0\r\n")
    }
}

extension String {
    /// The parts that are not `word`, put together.
    fileprivate func removing(_ word: String) -> String { split(separator: word).joined() }

    /// How often `word` stands here.
    fileprivate func components(of word: String) -> Int { ranges(of: word).count }
}
