import Reactor
import TestSupport
import Testing

@testable import Node

/// Logging in over the Redis protocol, as Redis 7 answers it.
@Suite struct LoginTests {
    private static let node = TestNode.start(loops: 1, tokens: TestTokens.ofEachRole)
    private static let wrong = "-WRONGPASS invalid username-password pair or user is disabled."
    private static let missing = "-NOAUTH Authentication required."

    @Test func aTokenLogsInWithOrWithoutItsName() throws {
        for words in [
            ["AUTH", "tribe_test_read"], ["AUTH", "default", "tribe_test_read"], ["AUTH", "read", "tribe_test_read"],
        ] {
            let client = try RESPLineClient(Self.node)
            #expect(try client.ask("GET", "a") == Self.missing)
            #expect(try client.ask(words) == "+OK")
            #expect(try client.ask("GET", "a") == "$-1")
            #expect(try client.ask("SET", "a", "b") == "-NOPERM this user has no permissions to run the 'set' command")
        }
    }

    @Test func aWrongTokenIsNoneAndLeavesTheOneBefore() throws {
        let client = try RESPLineClient(Self.node)
        for words in [["AUTH", "nobody"], ["AUTH", "write", "tribe_test_read"], ["AUTH", "read", "nobody"]] {
            #expect(try client.ask(words) == Self.wrong)
            #expect(try client.ask("GET", "a") == Self.missing)
        }
        #expect(try client.ask("AUTH", "tribe_test_read") == "+OK")
        #expect(try client.ask("AUTH", "nobody") == Self.wrong)
        #expect(try client.ask("GET", "a") == "$-1")
        #expect(try client.ask("AUTH", "tribe_test_write") == "+OK")
        #expect(try client.ask("GET", "a") == "-NOPERM this user has no permissions to run the 'get' command")
    }

    @Test func helloLogsInOrSaysThatItHasTo() throws {
        let client = try RESPLineClient(Self.node)
        #expect(try client.ask("HELLO", "3").hasPrefix("-NOAUTH HELLO must be called with the client already"))
        #expect(try client.ask("HELLO", "3", "AUTH", "default", "nobody") == Self.wrong)
        #expect(
            try client.ask("HELLO", "4", "AUTH", "default", "tribe_test_read")
                == "-NOPROTO unsupported protocol version")
        #expect(try client.ask("GET", "a") == Self.missing)
        #expect(try client.ask("HELLO", "3", "AUTH", "read", "tribe_test_read", "SETNAME", "me") == "%7")
    }

    @Test func aClientIsToldWhoItIs() throws {
        let client = try RESPLineClient(Self.node)
        #expect(try client.ask("ACL", "WHOAMI") == Self.missing)
        for role in RoleName.allCases {
            #expect(try client.ask("AUTH", "default", TestTokens.text(role.rawValue)) == "+OK")
            try client.send(["ACL", "WHOAMI"])
            #expect(try client.lines(2) == ["$\(role.rawValue.utf8.count)", role.rawValue])
        }
        let unguarded = try RESPLineClient(TestNode.start(loops: 1))
        try unguarded.send(["ACL", "WHOAMI"])
        #expect(try unguarded.lines(2) == ["$7", "default"])
    }

    @Test func resetLogsOut() throws {
        let client = try RESPLineClient(Self.node, token: "read")
        #expect(try client.ask("RESET") == "+RESET")
        #expect(try client.ask("GET", "a") == Self.missing)
    }

    @Test func nobodyBecomesAnotherWithinATransaction() throws {
        let client = try RESPLineClient(Self.node, token: "read")
        #expect(try client.ask("MULTI") == "+OK")
        #expect(try client.ask("AUTH", "tribe_test_write") == "-ERR Command not allowed inside a transaction")
        #expect(try client.ask("EXEC") == "-EXECABORT Transaction discarded because of previous errors.")
    }

    @Test func aCommandThatIsNotPermittedBreaksATransaction() throws {
        let client = try RESPLineClient(Self.node, token: "read")
        #expect(try client.ask("MULTI") == "+OK")
        #expect(try client.ask("GET", "a") == "+QUEUED")
        #expect(try client.ask("SET", "a", "b") == "-NOPERM this user has no permissions to run the 'set' command")
        #expect(try client.ask("EXEC") == "-EXECABORT Transaction discarded because of previous errors.")
    }

    @Test func withoutATokenLittleIsReadOfACommand() throws {
        for (text, error) in [
            ("*11\r\n", "-ERR Protocol error: invalid multibulk length"),
            (
                "*11\r\n" + String(repeating: "$1\r\nx\r\n", count: 11),
                "-ERR Protocol error: invalid multibulk length"
            ),
            ("*2\r\n$4\r\nAUTH\r\n$16385\r\n", "-ERR Protocol error: invalid bulk length"),
        ] {
            let client = try RESPLineClient(Self.node)
            try client.socket.send(text)
            #expect(try client.line() == error)
            #expect(throws: (any Error).self) { try client.line() }
        }
        // From the next command on, in the same packet too.
        let client = try RESPLineClient(Self.node)
        let value = String(repeating: "v", count: 20_000)
        try client.socket.send(
            "AUTH tribe_test_write\r\n*3\r\n$3\r\nSET\r\n$1\r\nl\r\n$20000\r\n\(value)\r\n"
                + "*15\r\n$4\r\nMSET\r\n" + String(repeating: "$1\r\nm\r\n", count: 14))
        #expect(try client.lines(3) == ["+OK", "+OK", "+OK"])
        #expect(try client.ask("RESET") == "+RESET")
        try client.socket.send("*11\r\n")
        #expect(try client.line() == "-ERR Protocol error: invalid multibulk length")
    }

    @Test func tooManyFailuresEndAConnectionAndStopNoRightToken() throws {
        let node = TestNode.start(loops: 2, tokens: TestTokens.ofEachRole)
        for _ in 0..<60 {
            let client = try RESPLineClient(node)
            #expect(try client.ask("AUTH", "nobody") == Self.wrong)
        }
        let client = try RESPLineClient(node)
        #expect(try client.ask("AUTH", "nobody").hasPrefix("-ERR too many failed logins from this address, retry in "))
        #expect(throws: (any Error).self) { try client.line() }
        #expect(try RESPLineClient(node, token: "read").ask("GET", "a") == "$-1")

        let http = try node.client()
        try http.send(request("GET", "/v1/cache/a", TestTokens.field("nobody")))
        let answer = try http.answer()
        #expect(answer.status == 429 && (1...60).contains(Int(answer["retry-after"] ?? "") ?? 0))
        try http.send(request("GET", "/v1/cache/a", TestTokens.field("read")))
        #expect(try http.answer().status == 404)
        try http.send(request("GET", "/v1/cache/a"))
        #expect(try http.answer().status == 401, "to have no token is no failed login")
        try http.send(request("GET", "/get/a?_token=nobody"))
        #expect(try http.answer().status == 429)
    }
}
