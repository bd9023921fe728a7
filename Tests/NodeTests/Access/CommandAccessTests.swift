import Reactor
import TestSupport
import Testing

@testable import Node

/// SECURITY S2 and S3 over the Redis protocol and the Upstash front: every command of the table, without a token and
/// with one of each role.
@Suite struct CommandAccessTests {
    private static let node = TestNode.start(loops: 2, tokens: TestTokens.ofEachRole)

    /// Every command and subcommand that can be called, with as many words as it takes.
    private static let calls: [(command: Command, words: [String])] = {
        let table = CommandTable.shared
        return table.rows.compactMap { command in
            if case .container = command.handler { return nil }
            var words = command.name.split(separator: "|").map(String.init)
            while words.count < abs(command.arity) { words.append("x") }
            return (command, words)
        }
    }()

    private static func mayBeCalled(_ command: Command, by role: RoleName) -> Bool {
        !command.roles.isDisjoint(with: [.open, .authenticated, role.role])
    }

    @Test func withoutATokenThereIsNothingButLoggingIn() throws {
        let client = try RESPLineClient(Self.node)
        var refused = 0
        for (command, words) in Self.calls where !command.roles.contains(.open) {
            #expect(try client.ask(words) == "-NOAUTH Authentication required.", "\(command.name)")
            refused += 1
        }
        let open = Self.calls.map(\.command).filter { $0.roles.contains(.open) }.map(\.name)
        #expect(open.sorted() == ["auth", "hello", "quit", "reset"])
        print("\(Self.calls.count) commands without a token: \(refused) of them NOAUTH")
    }

    @Test(arguments: [["NOSUCH"], ["GET"], ["CLIENT", "NOSUCH"], ["CONFIG", "GET"], ["get", "a", "b"]])
    func withoutATokenNobodyIsToldWhatIsWrong(words: [String]) throws {
        let client = try RESPLineClient(Self.node)
        #expect(try client.ask(words) == "-NOAUTH Authentication required.")
    }

    @Test func aCommandIsForThoseWhoHaveItsRole() throws {
        var (calls, refused) = (0, 0)
        for role in RoleName.allCases {
            let client = try RESPLineClient(Self.node, token: role.rawValue)
            let token = Token(TestTokens.entry(role.rawValue, [role]))
            for (command, words) in Self.calls {
                calls += 1
                var list = ArgumentList()
                for word in words { list.append(Array(word.utf8).span) }
                let refusal = Caller.token(token).refusal(of: command, list.arguments)
                #expect((refusal == nil) == Self.mayBeCalled(command, by: role), "\(command.name) as \(role)")
                guard !Self.mayBeCalled(command, by: role) else { continue }
                let expected = "-NOPERM this user has no permissions to run the '\(command.name)' command"
                #expect(try client.ask(words) == expected, "as \(role)")
                refused += 1
            }
        }
        print(
            "\(Self.calls.count) commands x \(RoleName.allCases.count) roles: \(calls) calls, \(refused) of them NOPERM"
        )
    }

    /// The table itself: roles that the flags do not say.
    @Test func everyRoleOfTheTableIsIntended() {
        var named: [String: [String]] = [:]
        for (command, _) in Self.calls {
            let roles = command.roles
            let name = roles == .open ? "open" : roles == .authenticated ? "any" : roles.names.joined(separator: " ")
            named[name, default: []].append(command.name)
            if command.flags.contains(.admin) { #expect(roles == .admin, "\(command.name)") }
            if command.flags.contains(.write) { #expect(!roles.contains(.read) && !roles.contains(.authenticated)) }
            if command.isKeyed { #expect(roles == .read || roles == .write, "\(command.name)") }
        }
        #expect(Set(named.keys) == ["open", "any", "read", "write", "admin"])
        for name in ["flushall", "flushdb", "monitor", "config|set", "client|kill", "slowlog|get", "debug"] {
            #expect(named["admin"]?.contains(name) == true, "\(name)")
        }
    }

    @Test func theUpstashFrontAsksForTheSameRoles() throws {
        var (calls, refused) = (0, 0)
        for role in RoleName.allCases {
            let client = try Self.node.client()
            for (command, words) in Self.calls where UpstashFront.isOffered(command) {
                let isAllowed = Self.mayBeCalled(command, by: role)
                calls += 1
                guard !isAllowed else { continue }
                refused += 1
                let list = "[" + words.map { "\"\($0)\"" }.joined(separator: ",") + "]"
                let refusal = "NOPERM this user has no permissions to run the '\(command.name)' command"
                for (path, body, status) in [
                    ("/", list, 403), ("/" + words.joined(separator: "/"), "", 403), ("/pipeline", "[\(list)]", 200),
                    ("/multi-exec", "[\(list)]", 403),
                ] {
                    try client.send(request("POST", path, TestTokens.field(role.rawValue), body: body))
                    let answer = try client.answer()
                    #expect(answer.status == status, "\(path) \(list) as \(role)")
                    #expect(answer.text.contains("{\"error\":\"\(refusal)\"}"), "\(path) \(list): \(answer.text)")
                }
            }
        }
        print("\(calls) calls of the Upstash front, \(refused) of them NOPERM, each in four forms")
    }

    @Test func theUpstashFrontTakesATokenFromTheQuery() throws {
        for (target, status) in [
            ("/get/a?_token=tribe_test_read", 200), ("/get/a?%5ftoken=tribe_test%5Fread", 200),
            ("/get/a?_token=tribe_test_reader", 401), ("/get/a?_token", 401), ("/get/a?token=tribe_test_read", 401),
            ("/get/a", 401), ("/set/a/b?_token=tribe_test_read", 403), ("/set/a/b?EX=9&_token=tribe_test_write", 200),
        ] {
            let client = try Self.node.client()
            try client.send(request("GET", target))
            let answer = try client.answer()
            #expect(answer.status == status, "\(target): \(answer.text)")
            if status == 401 { #expect(answer.text == #"{"error":"WRONGPASS invalid or missing auth token"}"#) }
        }
        let client = try Self.node.client()
        try client.send(request("GET", "/v1/cache/a?_token=tribe_test_read"))
        #expect(try client.answer().status == 401, "on other routes it is no token: queries stand in logs of proxies")
    }

    @Test func aPipelineIsRefusedCommandByCommandAndATransactionAsAWhole() throws {
        let client = try Self.node.client()
        let body = #"[["GET","p"],["SET","p","1"]]"#
        try client.send(request("POST", "/pipeline", TestTokens.field("read"), body: body))
        let answer = try client.answer()
        #expect(answer.status == 200)
        #expect(
            answer.text
                == #"[{"result":null},{"error":"NOPERM this user has no permissions to run the 'set' command"}]"#)
        try client.send(request("POST", "/multi-exec", TestTokens.field("read"), body: body))
        #expect(try client.answer().status == 403)
    }
}
