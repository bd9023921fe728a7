import Reactor
import TestSupport
import Testing

@testable import Node

/// Tokens that are bound to keys, on every front.
@Suite struct BoundTokenTests {
    private static let roles: [RoleName] = [.read, .write, .admin]
    private static let node = TestNode.start(
        loops: 4,
        tokens: [
            TestTokens.entry("app", roles, keys: ["app:*", "shared"]), TestTokens.entry("all", roles, keys: ["*"]),
        ])

    private static let keyRefusal = "-NOPERM this user has no permissions to access one of the keys used as arguments"
    private static let channelRefusal =
        "-NOPERM this user has no permissions to access one of the channels used as arguments"

    @Test func everyKeyOfACommandIsLookedAt() throws {
        let client = try RESPLineClient(Self.node, token: "app")
        #expect(try client.ask("SET", "app:1", "a") == "+OK")
        #expect(try client.ask("MSET", "app:2", "b", "shared", "c") == "+OK")
        for words in [
            ["GET", "other"], ["SET", "other", "x"], ["GET", "app"], ["MGET", "app:1", "other"],
            ["MSET", "app:1", "x", "other", "app:y"], ["RENAME", "app:1", "other"], ["RENAME", "other", "app:1"],
            ["COPY", "app:1", "other"], ["DEL", "app:1", "other"], ["EXISTS", "other"],
            ["OBJECT", "ENCODING", "other"],
            ["MEMORY", "USAGE", "other"], ["WATCH", "app:1", "other"], ["BITOP", "NOT", "other", "app:1"],
            ["BITOP", "AND", "app:9", "app:1", "other"], ["LCS", "app:1", "other"],
        ] {
            #expect(try client.ask(words) == Self.keyRefusal, "\(words)")
        }
        #expect(try client.ask("GET", "app:1") == "$1")
        #expect(try client.line() == "a")
    }

    /// From the table: with a foreign key in each of its places every command that names keys is refused.
    @Test func noCommandForgetsAKey() throws {
        let token = Token(TestTokens.entry("app", Self.roles, keys: ["app:*"]))
        var looked = 0
        for command in CommandTable.shared.rows where !command.keys.isNone {
            let own = command.name.split(separator: "|").map(String.init)
            var words = own
            while words.count < abs(command.arity) + (command.arity < 0 ? 4 : 0) { words.append("app:x") }
            for place in command.keys.places(in: words.count) {
                var call = words
                call[place] = "other"
                var list = ArgumentList()
                for word in call { list.append(Array(word.utf8).span) }
                let refusal = Caller.token(token).refusal(of: command, list.arguments)
                #expect(refusal == .noPermissionForKey, "\(call)")
                looked += 1
            }
        }
        #expect(looked > 60)
        print("\(looked) places of keys in the table")
    }

    @Test func commandsAboutAllKeysShowTheirOwnOrAreRefused() throws {
        let all = try RESPLineClient(Self.node, token: "all")
        for index in 0..<200 { #expect(try all.ask("SET", "other:\(index)", "x") == "+OK") }
        for index in 0..<20 { #expect(try all.ask("SET", "app:scan:\(index)", "x") == "+OK") }
        let client = try RESPLineClient(Self.node, token: "app")
        let count = try client.ask("KEYS", "*:scan:*")
        #expect(count == "*20")
        let names = try client.lines(40).filter { !$0.hasPrefix("$") }
        #expect(Set(names) == Set((0..<20).map { "app:scan:\($0)" }))
        #expect(try client.ask("KEYS", "other:*") == "*0")
        for name in ["RANDOMKEY", "FLUSHALL", "FLUSHDB", "MONITOR"] {
            let expected = "-NOPERM this user has no permissions to run the '\(name.lowercased())' command"
            #expect(try client.ask(name) == expected)
        }
        #expect(try client.ask("SLOWLOG", "GET").hasPrefix("-NOPERM "))
        #expect(try all.ask("RANDOMKEY").hasPrefix("$"))
        var (cursor, found): (String, Set<String>) = ("0", [])
        repeat {
            try client.send(["SCAN", cursor, "COUNT", "50"])
            _ = try client.lines(2)
            cursor = try client.line()
            let count = Int(try client.line().dropFirst()) ?? 0
            found.formUnion(try client.lines(2 * count).filter { !$0.hasPrefix("$") })
        } while cursor != "0"
        #expect(found.isSuperset(of: names) && found.allSatisfy { $0.hasPrefix("app:") || $0 == "shared" })
    }

    @Test func channelsAreHeldToTheSamePatterns() throws {
        let client = try RESPLineClient(Self.node, token: "app")
        #expect(try client.ask("PUBLISH", "app:news", "m") == ":0")
        for words in [
            ["PUBLISH", "other", "m"], ["SUBSCRIBE", "app:news", "other"], ["PSUBSCRIBE", "*"], ["PSUBSCRIBE", "a*"],
            ["PSUBSCRIBE", "app:*", "o*"], ["PUBSUB", "NUMSUB", "other"],
        ] {
            #expect(try client.ask(words) == Self.channelRefusal, "\(words)")
        }
        let other = try RESPLineClient(Self.node, token: "all")
        #expect(try other.ask("SUBSCRIBE", "secret:channel", "app:open") == "*3")
        #expect(try client.ask("PUBSUB", "CHANNELS") == "*1")
        #expect(try client.lines(2) == ["$8", "app:open"])
        #expect(try client.ask("PSUBSCRIBE", "app:n*") == "*3")
    }

    @Test func overHTTPAKeyThatIsNotTheirsIs403() throws {
        let client = try Self.node.client()
        func status(_ method: String, _ target: String, body: String? = nil) throws -> Int {
            try client.send(request(method, target, TestTokens.field("app"), body: body))
            return try client.answer(to: method).status
        }
        #expect(try status("PUT", "/v1/cache/app:h", body: "x") == 201)
        #expect(try status("GET", "/v1/cache/app%3Ah") == 200)
        for (method, target, body) in [
            ("GET", "/v1/cache/other:h", nil), ("HEAD", "/v1/cache/other:h", nil), ("PUT", "/v1/cache/other:h", "x"),
            ("DELETE", "/v1/cache/other:h", nil), ("POST", "/v1/cache/other:h/touch", #"{"ttl":"1s"}"#),
            ("POST", "/v1/cache/other:h/increment", "{}"), ("GET", "/v1/cache/other:h?refresh=1s", nil),
            ("DELETE", "/v1/cache/other:h/refresh", nil), ("DELETE", "/v1/cache?tag=t", nil),
            ("DELETE", "/v1/cache?all=true", nil), ("DELETE", "/v1/cache?prefix=ap", nil),
            ("DELETE", "/v1/cache?prefix=other", nil), ("GET", "/get/other:h", nil), ("POST", "/set/other:h", "x"),
        ] as [(String, String, String?)] {
            let client = try Self.node.client()
            try client.send(request(method, target, TestTokens.field("app"), body: body))
            let answer = try client.answer(to: method)
            #expect(answer.status == 403, "\(method) \(target): \(answer.status) \(answer.text)")
        }
        #expect(try status("DELETE", "/v1/cache?prefix=app:h") == 200)
        #expect(try status("GET", "/v1/cache/app:h") == 404)
    }

    @Test func eachOperationOfABatchIsLookedAt() throws {
        let client = try Self.node.client()
        let body = """
            {"operations":[{"op":"put","key":"app:b","value":"eA=="},{"op":"put","key":"other:b","value":"eA=="},
             {"op":"get","key":"app:b"},{"op":"get","key64":"b3RoZXI6Yg=="},{"op":"delete","key":"other:b"},
             {"op":"increment","key":"other:b"}]}
            """
        try client.send(request("POST", "/v1/cache/batch", TestTokens.field("app"), body: body))
        let text = try client.answer().text
        let statuses = text.matches(of: /\{"status":(\d+)/).map { String($0.1) }
        #expect(statuses == ["201", "403", "200", "403", "403", "403"], "\(text)")
    }

    @Test func aListingShowsTheirOwn() throws {
        let all = try RESPLineClient(Self.node, token: "all")
        for index in 0..<30 { #expect(try all.ask("MSET", "app:list:\(index)", "x", "zzz:\(index)", "x") == "+OK") }
        let client = try Self.node.client()
        var (cursor, keys): (String?, Set<String>) = (nil, [])
        repeat {
            let target = "/v1/cache?limit=7" + (cursor.map { "&cursor=\($0)" } ?? "")
            try client.send(request("GET", target, TestTokens.field("app")))
            let text = try client.answer().text
            keys.formUnion(text.matches(of: /"key":"([^"]+)"/).map { String($0.1) })
            cursor = text.firstMatch(of: /"next":"([^"]+)"/).map { String($0.1) }
        } while cursor != nil
        #expect(keys.isSuperset(of: (0..<30).map { "app:list:\($0)" }))
        #expect(keys.allSatisfy { $0.hasPrefix("app:") || $0 == "shared" }, "\(keys)")
    }
}
