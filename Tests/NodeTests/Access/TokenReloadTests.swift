import Reactor
import TestSupport
import Testing

@testable import Node

/// Another tokens file while connections are open.
@Suite struct TokenReloadTests {
    private static let roles: [RoleName] = [.read, .write, .admin]

    private func start() -> NodeRuntime {
        TestNode.start(loops: 2, tokens: [TestTokens.entry("old", Self.roles), TestTokens.entry("stays", Self.roles)])
    }

    /// Puts other tokens in force, and returns the names of those that are gone when all loops have them. Not `async`:
    /// the test would wait for a thread of the pool behind all tests that wait for an answer.
    private func publish(_ node: NodeRuntime, _ entries: [TokenEntry]?) -> [String]? {
        let gone = Monitor<[String]?>(nil)
        node.context.publish(entries) { names in gone.withLock { $0 = names } }
        _ = gone.wait { $0 != nil }
        return gone.now
    }

    @Test func aTokenThatIsGoneIsRefusedOnOpenConnectionsAndOthersSeeNothing() throws {
        let node = start()
        let (old, stays) = (try RESPLineClient(node, token: "old"), try RESPLineClient(node, token: "stays"))
        let http = try node.client()
        func get(_ token: String) throws -> Int {
            try http.send(request("GET", "/v1/cache/k", TestTokens.field(token)))
            return try http.answer().status
        }
        #expect(try get("old") == 404)
        #expect(try old.ask("MULTI") == "+OK")
        #expect(try stays.ask("MULTI") == "+OK")
        #expect(try stays.ask("SET", "k", "v") == "+QUEUED")
        #expect(publish(node, [TestTokens.entry("stays", Self.roles)]) == ["old"])
        #expect(try old.ask("GET", "k") == "-NOAUTH Authentication required.")
        #expect(try old.ask("AUTH", TestTokens.text("old")).hasPrefix("-WRONGPASS "))
        #expect(try get("old") == 401)
        #expect(try get("stays") == 404)
        #expect(try stays.ask("EXEC") == "*1")
        #expect(try stays.line() == "+OK")
        #expect(try old.ask("AUTH", TestTokens.text("stays")) == "+OK")
        #expect(try old.ask("GET", "k") == "$1")
    }

    @Test func whatATokenWasSentEndsWithIt() throws {
        let node = start()
        let clients = try ["old", "stays"].map { token in
            let subscriber = try RESPLineClient(node, token: token)
            #expect(try subscriber.ask("SUBSCRIBE", "c") == "*3")
            _ = try subscriber.lines(5)
            let monitor = try RESPLineClient(node, token: token)
            #expect(try monitor.ask("MONITOR") == "+OK")
            let events = try node.client()
            try events.send(
                request("POST", "/subscribe/c", TestTokens.field(token) + "Accept: text/event-stream\r\n", body: ""))
            return (subscriber, monitor, events)
        }
        _ = publish(node, [TestTokens.entry("stays", Self.roles)])
        #expect(throws: (any Error).self) { try clients[0].0.line() }
        #expect(throws: (any Error).self) { while true { _ = try clients[0].1.line() } }
        _ = try clients[0].2.rest()
        let publisher = try RESPLineClient(node, token: "stays")
        #expect(try publisher.ask("PUBLISH", "c", "hello") == ":2")
        #expect(try clients[1].0.lines(7).last == "hello")
        // Lines of what the others did come first.
        while try !clients[1].1.line().hasSuffix("\"PUBLISH\" \"c\" \"hello\"") {}
    }

    @Test func aLongPollEndsWithItsToken() throws {
        let node = start()
        let holder = try node.client()
        try holder.send(request("GET", "/v1/cache/poll?refresh=60s", TestTokens.field("stays")))
        #expect(try holder.answer()["x-tribe-refresh"] != nil)
        let waiting = try ["old", "stays"].map { token in
            let client = try node.client()
            try client.send(request("GET", "/v1/cache/poll?refresh=60s&wait=50s", TestTokens.field(token)))
            return client
        }
        // Both are there when a request behind them on their loops is answered.
        for _ in 0..<20 {
            try holder.send(request("GET", "/v1/cache/poll", TestTokens.field("stays")))
            _ = try holder.answer()
        }
        _ = publish(node, [TestTokens.entry("stays", Self.roles)])
        #expect(try waiting[0].rest().isEmpty)
        try holder.send(request("PUT", "/v1/cache/poll", TestTokens.field("stays"), body: "v"))
        #expect(try holder.answer().status == 201)
        #expect(try waiting[1].answer().text == "v")
    }

    @Test func rightsThatAreTakenAwayAreGoneAtOnce() throws {
        let node = start()
        let client = try RESPLineClient(node, token: "old")
        #expect(try client.ask("SET", "k", "v") == "+OK")
        #expect(try client.ask("MULTI") == "+OK")
        #expect(try client.ask("SET", "k", "w") == "+QUEUED")
        let subscriber = try RESPLineClient(node, token: "old")
        #expect(try subscriber.ask("SUBSCRIBE", "c") == "*3")
        _ = try subscriber.lines(5)
        #expect(publish(node, [TestTokens.entry("old", [.read], keys: ["k"])]) == ["stays"])
        #expect(try client.ask("EXEC") == "-EXECABORT Transaction discarded because of previous errors.")
        #expect(try client.ask("SET", "k", "v") == "-NOPERM this user has no permissions to run the 'set' command")
        #expect(try client.ask("GET", "k") == "$1")
        #expect(throws: (any Error).self) { try subscriber.line() }
    }

    @Test func aFileThatComesOrGoesCounts() throws {
        let node = TestNode.start(loops: 1)
        let client = try RESPLineClient(node)
        #expect(try client.ask("AUTH", "anything") == "+OK")
        #expect(try client.ask("GET", "k") == "$-1")
        _ = publish(node, TestTokens.ofEachRole)
        #expect(try client.ask("GET", "k") == "-NOAUTH Authentication required.")
        #expect(try client.ask("AUTH", TestTokens.text("read")) == "+OK")
        #expect(publish(node, nil) == ["read", "write", "jobs", "admin"])
        #expect(try client.ask("SET", "k", "v") == "+OK")
    }

    @Test func aRateIsHeldOnEveryFront() throws {
        let rate = RateLimit(perSecond: 1, burst: 3)
        let entries = ["a", "b", "c"].map { TestTokens.entry($0, Self.roles, rate: rate) }
        let node = TestNode.start(loops: 2, tokens: entries)
        let client = try RESPLineClient(node, token: "a")
        for _ in 0..<3 { #expect(try client.ask("GET", "k") == "$-1") }
        #expect(try client.ask("GET", "k").hasPrefix("-ERR the rate limit of this token is used up, retry in "))

        let http = try node.client()
        for _ in 0..<3 {
            try http.send(request("GET", "/v1/cache/k", TestTokens.field("b")))
            #expect(try http.answer().status == 404)
        }
        for target in ["/v1/cache/k", "/nope", "/get/k"] {
            try http.send(request("GET", target, TestTokens.field("b")))
            let answer = try http.answer()
            #expect(answer.status == 429 && answer["retry-after"] == "1", "\(target)")
        }
        try http.send(
            request("POST", "/pipeline", TestTokens.field("c"), body: #"[["PING"],["PING"],["PING"],["PING"]]"#))
        let text = try http.answer().text
        #expect(text.hasPrefix(#"[{"result":"PONG"},{"result":"PONG"},{"result":"PONG"},{"error":"ERR the rate"#))
    }
}
