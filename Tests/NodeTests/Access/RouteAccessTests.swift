import Reactor
import TestSupport
import Testing

@testable import Node

/// SECURITY S2 and S3 over HTTP: every route of the table with every method, without a token and with one of each role.
@Suite struct RouteAccessTests {
    private static let node = TestNode.start(loops: 2, tokens: TestTokens.ofEachRole)
    private static let methods: [HTTPMethod] = [.get, .head, .post, .put, .patch, .delete, .options]

    private static let paths: [String] = {
        let patterns = node.context.api.routes.map(\.route.pattern)
        let concrete = patterns.map { pattern in
            pattern.replacing("{code}", with: "not_found").replacing("{key}", with: "key")
        }
        return Array(Set(concrete + ["/nope", "/v1", "/v1/nope/x", "/get/key"])).sorted()
    }()

    /// What the route table demands; nil: no route has this method and path.
    private func demanded(_ method: HTTPMethod, _ path: String) -> Roles? {
        guard case .found(let match) = Self.node.context.api.router.match(method, path.utf8.span) else { return nil }
        return Self.node.context.api.routes[match.route].route.operation.role
    }

    private func status(_ method: HTTPMethod, _ path: String, token: String?) throws -> HTTPAnswer {
        let client = try Self.node.client()
        let body = method == .post || method == .put ? "" : nil
        try client.send(request(method.name, path, token.map(TestTokens.field) ?? "", body: body))
        // The answer of a stream has no end: its head is enough.
        return try client.answer(to: path == "/v1/events" ? "HEAD" : method.name)
    }

    @Test func withoutATokenThereIsNothingButTheOpenRoutes() throws {
        var (requests, refused) = (0, 0)
        for path in Self.paths {
            let isOpen = demanded(.get, path) == .open
            for method in Self.methods {
                for field in [nil, "nobody"] {
                    // The table of failed logins is not what is tested here.
                    if field != nil, method != .get { continue }
                    let answer = try status(method, path, token: field)
                    requests += 1
                    if isOpen || method == .options {
                        #expect(answer.status != 401 && answer.status != 403, "\(method.name) \(path)")
                    } else {
                        #expect(answer.status == 401, "\(method.name) \(path): \(answer.status)")
                        #expect(answer["www-authenticate"] == "Bearer")
                        refused += 1
                    }
                }
            }
        }
        print(
            "\(Self.paths.count) paths x \(Self.methods.count) methods without a token: \(requests) requests,",
            "\(refused) of them 401")
    }

    @Test(arguments: ["verbose", "verbose=1", "verb%6Fse", "a=b&verbose"])
    func readinessIsForAllButItsChecksAreForReaders(query: String) throws {
        #expect(try status(.get, "/readyz", token: nil).status == 200)
        #expect(try status(.get, "/readyz?" + query, token: nil).status == 401)
        #expect(try status(.get, "/readyz?" + query, token: "write").status == 403)
        let answer = try status(.get, "/readyz?" + query, token: "read")
        #expect(answer.status == (query.hasPrefix("verbose") ? 200 : 422))
    }

    @Test func aRouteIsForThoseWhoHaveItsRole() throws {
        var (requests, refused) = (0, 0)
        for path in Self.paths {
            for method in Self.methods {
                let demanded = demanded(method, path)
                for role in RoleName.allCases {
                    let answer = try status(method, path, token: role.rawValue)
                    requests += 1
                    let isAllowed = demanded.map {
                        $0.contains(.open) || $0.contains(.authenticated) || $0.contains(role.role)
                    }
                    #expect(answer.status != 401, "\(method.name) \(path) as \(role)")
                    if path == "/get/key" {
                        let mayRead = role == .read && [.get, .head, .post, .put].contains(method)
                        #expect((answer.status == 200) == mayRead, "\(method.name) \(path) as \(role)")
                    } else {
                        #expect((answer.status == 403) == (isAllowed == false), "\(method.name) \(path) as \(role)")
                    }
                    if answer.status == 403 { refused += 1 }
                }
            }
        }
        print(
            "\(Self.paths.count) paths x \(Self.methods.count) methods x \(RoleName.allCases.count) roles:",
            "\(requests) requests, \(refused) of them 403")
    }

    @Test(arguments: [
        ("GET", "/v1/cache/k?refresh=1s", [RoleName.write]), ("GET", "/v1/cache/k?%72efresh=1s", [.write]),
        ("HEAD", "/v1/cache/k?refresh=1s", [.write]), ("GET", "/v1/cache/k?consistency=local", [.read]),
        ("DELETE", "/v1/cache?all=true", [.admin]), ("DELETE", "/v1/cache?tag=t", [.write]),
        ("DELETE", "/v1/cache?tag=t&al%6c=true", [.admin]),
    ])
    func aParameterMayDemandAnotherRole(method: String, target: String, roles: [RoleName]) throws {
        for role in RoleName.allCases {
            let client = try Self.node.client()
            try client.send(request(method, target, TestTokens.field(role.rawValue)))
            let status = try client.answer(to: method).status
            #expect((status == 403) == !roles.contains(role), "\(method) \(target) as \(role): \(status)")
        }
    }

    @Test(arguments: [
        (#"{"op":"get","key":"k"}"#, RoleName.read), (#"{"op":"delete","key":"k"}"#, .write),
        (#"{"op":"put","key":"k","value":""}"#, .write), (#"{"op":"increment","key":"n"}"#, .write),
    ])
    func anOperationOfABatchHasItsRole(operation: String, needed: RoleName) throws {
        for role in RoleName.allCases {
            let client = try Self.node.client()
            let fields = TestTokens.field(role.rawValue)
            try client.send(
                request("POST", "/v1/cache/batch", fields, body: "{\"operations\":[\(operation)]}"))
            #expect(try client.answer().status == (role == needed ? 200 : 403), "\(operation) as \(role)")
        }
    }

    @Test(arguments: [
        "Authorization: Bearer\r\n", "Authorization: Bearer \r\n", "Authorization: Basic dHJpYmVfdGVzdF9yZWFkOg==\r\n",
        "Authorization: tribe_test_read\r\n", "Authorization: Bearer tribe_test_rea\r\n",
        "Authorization: Bearer tribe_test_read2\r\n", "X-Token: tribe_test_read\r\n",
    ])
    func nothingElseIsAToken(field: String) throws {
        let client = try Self.node.client()
        try client.send(request("GET", "/v1/cache/k", field))
        #expect(try client.answer().status == 401)
    }

    @Test func theSchemeIsReadInAnyCaseAndTheTokenInNone() throws {
        let client = try Self.node.client()
        try client.send(request("GET", "/livez"))
        #expect(try client.answer().status == 200)
        for scheme in ["Bearer", "bearer", "BEARER", "Bearer  "] {
            try client.send(request("GET", "/v1/cache/none", "Authorization: \(scheme) \(TestTokens.text("read"))\r\n"))
            #expect(try client.answer().status == 404, "\(scheme)")
        }
        try client.send(request("GET", "/v1/cache/k", "Authorization: Bearer TRIBE_TEST_READ\r\n"))
        #expect(try client.answer().status == 401)
    }

    @Test func eachRequestOfAConnectionShowsItsOwnToken() throws {
        let client = try Self.node.client()
        for (name, status) in [("read", 404), ("write", 403), ("read", 404), ("admin", 403)] {
            try client.send(request("GET", "/v1/cache/none", TestTokens.field(name)))
            #expect(try client.answer().status == status)
        }
        try client.send(request("GET", "/v1/cache/none"))
        #expect(try client.answer().status == 401)
    }
}
