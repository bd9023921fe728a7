import Cluster
import Services
import TestSupport
import Testing

@testable import Node

/// Commands at nodes that are not the primary of their keys.
@Suite(.serialized) struct CoordinatedCommandTests {
    private static let cluster = CoordinatedNodes(count: 3, loops: 2)
    private var cluster: CoordinatedNodes { Self.cluster }

    private func clients() throws -> [RESPLineClient] { try cluster.nodes.map { try RESPLineClient($0) } }

    private func upstash(_ node: Int, _ target: String = "/", _ body: String) throws -> String {
        let client = try cluster.nodes[node].client()
        try client.send(request("POST", target, body: body))
        return try client.answer().text
    }

    @Test func keySetAtOneNodeIsReadAtEachOther() throws {
        let clients = try clients()
        for primary in 0..<3 {
            for size in [0, 1, 100, 20_000, 100_000] {
                let key = cluster.key(of: primary, "set-\(size)")
                let value = String(repeating: "x", count: size)
                #expect(try clients[(primary + 1) % 3].ask("SET", key, value) == "+OK")
                for (node, client) in clients.enumerated() {
                    #expect(try client.ask("GET", key) == "$\(size)")
                    #expect(try client.line() == value)
                    #expect(try upstash(node, "/", "[\"GET\",\"\(key)\"]") == "{\"result\":\"\(value)\"}")
                }
            }
        }
    }

    @Test func pipelinedRepliesComeInTheOrderOfTheirCommands() throws {
        let client = try RESPLineClient(cluster.nodes[0])
        var random = SeededRandom(seed: 11)
        var counts: [String: Int] = [:]
        var expected: [String] = []
        for _ in 0..<2_000 {
            let key = "pipe-\(Int.random(in: 0..<50, using: &random))"
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                try client.send(["INCR", key])
                counts[key, default: 0] += 1
                expected.append(":\(counts[key]!)")
            case 2:
                try client.send(["STRLEN", key])
                expected.append(":\(counts[key].map { "\($0)".count } ?? 0)")
            default:
                try client.send(["EXISTS", key])
                expected.append(":\(counts[key] == nil ? 0 : 1)")
            }
        }
        #expect(try client.lines(expected.count) == expected)
    }

    @Test func nodesCountTogether() throws {
        let clients = try clients()
        let keys = (0..<3).map { cluster.key(of: $0, "together") }
        for _ in 0..<100 {
            for client in clients { for key in keys { try client.send(["INCR", key]) } }
        }
        for client in clients { _ = try client.lines(300) }
        for key in keys { #expect(try clients[0].ask("INCR", key) == ":301") }
    }

    @Test func commandsOverSeveralPartitionsAreDoneInPartsOrNotAtAll() throws {
        let clients = try clients()
        let keys = (0..<12).map { "many-\($0)" }
        #expect(try clients[0].ask(["MSET"] + keys.flatMap { [$0, "v\($0)"] }) == "+OK")
        #expect(try clients[1].ask(["MGET"] + keys + ["many-none"]) == "*13")
        for key in keys {
            #expect(try clients[1].line() == "$\(key.utf8.count + 1)")
            #expect(try clients[1].line() == "v\(key)")
        }
        #expect(try clients[1].line() == "$-1")
        #expect(try clients[2].ask(["EXISTS", keys[0]] + keys) == ":13")
        #expect(try clients[2].ask(["TOUCH"] + keys) == ":12")
        #expect(try clients[2].ask(["DEL"] + keys.prefix(5)) == ":5")
        #expect(try clients[0].ask(["UNLINK"] + keys) == ":7")
        #expect(try clients[0].ask("MSET", keys[0], "1", keys[1]).hasPrefix("-ERR wrong number of arguments"))
        #expect(try clients[0].ask("GET", keys[0]) == "$-1")
        for words in [
            ["RENAME", keys[0], keys[1]], ["COPY", keys[0], keys[1]], ["MSETNX", keys[0], "1", keys[1], "2"],
            ["BITOP", "AND", keys[0], keys[1], keys[2]],
        ] {
            #expect(try clients[0].ask(words) == "-CROSSSLOT Keys in request don't hash to the same slot")
        }
        #expect(try clients[0].ask("MSETNX", "{m}1", "1", "{m}2", "2") == ":1")
        #expect(try clients[1].ask("RENAME", "{m}1", "{m}3") == "+OK")
        #expect(try clients[2].ask("EXISTS", "{m}1", "{m}2", "{m}3") == ":2")
    }

    @Test func transactionsRunAtThePrimaryOfTheirKeys() throws {
        let clients = try clients()
        for primary in 0..<3 {
            let tag = "{\(cluster.key(of: primary, "tx"))}"
            for client in clients {
                #expect(try client.ask("MULTI") == "+OK")
                for words in [["INCR", "\(tag)a"], ["PING"], ["SET", "\(tag)b", "x"], ["INCR", "\(tag)b"]] {
                    #expect(try client.ask(words) == "+QUEUED")
                }
                #expect(try client.ask("EXEC") == "*4")
                #expect(try client.line().hasPrefix(":"))
                #expect(try client.line() == "+PONG")
                #expect(try client.line() == "+OK")
                #expect(try client.line().hasPrefix("-ERR value is not an integer"))
            }
            #expect(try clients[0].ask("INCR", "\(tag)a") == ":4")
        }
        _ = try clients[0].ask("MULTI")
        _ = try clients[0].ask("INCR", "tx-1")
        _ = try clients[0].ask("INCR", "tx-2")
        #expect(try clients[0].ask("EXEC") == "-CROSSSLOT Keys in request don't hash to the same slot")
        _ = try clients[0].ask("MULTI")
        _ = try clients[0].ask("FLUSHALL")
        #expect(try clients[0].ask("EXEC").hasPrefix("-ERR commands that look at all keys"))
        _ = try clients[0].ask("MULTI")
        _ = try clients[0].ask("PING")
        #expect(try clients[0].ask("EXEC") == "*1")
        #expect(try clients[0].line() == "+PONG")
    }

    @Test func watchedKeysAreThoseOfThePrimary() throws {
        let clients = try clients()
        let key = cluster.key(of: 2, "watch")
        for isChanged in [true, false] {
            #expect(try clients[0].ask("WATCH", key) == "+OK")
            if isChanged { _ = try clients[1].ask("SET", key, "1") }
            _ = try clients[0].ask("MULTI")
            _ = try clients[0].ask("SET", key, "2")
            #expect(try clients[0].ask("EXEC") == (isChanged ? "*-1" : "*1"))
        }
        #expect(try clients[0].line() == "+OK")
        #expect(try clients[0].ask("WATCH", "w-1", "w-2").hasPrefix("-CROSSSLOT"))
    }

    @Test func upstashAsksThePrimaries() throws {
        let keys = (0..<3).map { cluster.key(of: $0, "up") }
        for (node, key) in keys.enumerated() {
            #expect(try upstash(node, "/", "[\"SET\",\"\(key)\",\"v\"]") == "{\"result\":\"OK\"}")
        }
        for node in 0..<3 {
            let list = keys.map { "\"\($0)\"" }.joined(separator: ",")
            #expect(try upstash(node, "/", "[\"MGET\",\(list)]") == "{\"result\":[\"v\",\"v\",\"v\"]}")
            let gets = keys.map { "[\"GET\",\"\($0)\"]" }.joined(separator: ",")
            #expect(
                try upstash(node, "/pipeline", "[\(gets)]")
                    == "[{\"result\":\"v\"},{\"result\":\"v\"},{\"result\":\"v\"}]")
            #expect(try upstash(node, "/multi-exec", "[\(gets)]").contains("CROSSSLOT"))
            #expect(
                try upstash(node, "/multi-exec", "[[\"INCR\",\"{\(keys[0])}n\"],[\"INCR\",\"{\(keys[0])}n\"]]")
                    == "[{\"result\":\(node * 2 + 1)},{\"result\":\(node * 2 + 2)}]")
        }
    }

    @Test func whatIsUnderWayToALostPrimaryIsDoneOnceByTheNext() throws {
        let key = cluster.key(of: 1, "lost")
        let partition = cluster.partition(of: key)
        let client = try RESPLineClient(cluster.nodes[0])
        cluster.setPrimary(nil, of: partition)
        try client.send(["INCR", key])
        try client.send(["INCR", key])
        try client.send(["GET", key])
        cluster.setPrimary(2, of: partition)
        #expect(try client.lines(4) == [":1", ":2", "$1", "2"])
        cluster.setPrimary(0, of: partition)
        #expect(try client.ask("INCR", key) == ":1", "the new primary of the test has nothing")
        cluster.setPrimary(1, of: partition)
    }

    @Test func retriedWriteIsAnsweredAndNotRepeated() throws {
        let key = cluster.key(of: 1, "retry")
        let client = try RESPLineClient(cluster.nodes[0])
        #expect(try client.ask("INCR", key) == ":1")
        // The reign is lost after the write was done, and comes back: the same id is sent again.
        cluster.board.state.withLock { $0.ends = [.refused(.reignLost), .refused(.reignLost)] }
        #expect(try client.ask("INCR", key) == ":2")
        #expect(try client.ask("INCR", key) == ":3")
        let local = try RESPLineClient(cluster.nodes[1])
        cluster.board.state.withLock { $0.ends = [.refused(.reignLost)] }
        #expect(try local.ask("INCR", key) == ":4")
        #expect(try local.ask("GETSET", key, String(repeating: "y", count: 5_000)) == "$1")
        #expect(try local.line() == "4")
        cluster.board.state.withLock { $0.ends = [.refused(.reignLost)] }
        #expect(try local.ask("GETSET", key, "z").hasPrefix("-ERR the request was tried several times"))
        #expect(try local.ask("GET", key) == "$1")
        #expect(try local.line() == "z")
    }
}
