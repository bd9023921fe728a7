import TestSupport
import Testing

@testable import Reactor

@Suite struct RouterTests {
    static let table: [(HTTPMethod, String)] = [
        (.get, "/"), (.put, "/v1/cache/{key}"), (.get, "/v1/cache/{key}"), (.delete, "/v1/cache/{key}"),
        (.post, "/v1/cache/{key}/touch"), (.post, "/v1/cache/batch"), (.get, "/v1/cache"), (.delete, "/v1/cache"),
        (.get, "/v1/errors/{code:word}"), (.get, "/v1/jobs/{id:int}"), (.post, "/v1/jobs/batch"),
        (.get, "/v1/q/{queue}/s/{id:int}/runs/{run:word}"),
    ]

    @Test(arguments: [
        (HTTPMethod.get, "/", "GET /"), (.get, "/v1/cache", "GET /v1/cache"),
        (.get, "/v1/cache/a", "GET /v1/cache/{key} a"), (.put, "/v1/cache/%2F", "PUT /v1/cache/{key} %2F"),
        (.post, "/v1/cache/a%2Fb/touch", "POST /v1/cache/{key}/touch a%2Fb"),
        (.get, "/v1/q/mail/s/7/runs/last_one", "GET /v1/q/{queue}/s/{id:int}/runs/{run:word} mail 7 last_one"),
        (.get, "/v1/jobs/0042", "GET /v1/jobs/{id:int} 0042"),
    ])
    func aPathFindsItsRouteAndItsRawParameters(_ method: HTTPMethod, _ path: String, _ found: String) throws {
        #expect(try answer(method, path) == found)
    }

    @Test func aTextHidesAParameterOnlyForItsOwnMethods() throws {
        #expect(try answer(.post, "/v1/cache/batch") == "POST /v1/cache/batch")
        #expect(try answer(.put, "/v1/cache/batch") == "PUT /v1/cache/{key} batch")
        #expect(try answer(.get, "/v1/cache/batch") == "GET /v1/cache/{key} batch")
        #expect(try answer(.post, "/v1/cache/batch/touch") == "POST /v1/cache/{key}/touch batch")
        #expect(try answer(.patch, "/v1/cache/batch") == "405 GET, HEAD, POST, PUT, DELETE, OPTIONS")
    }

    @Test(arguments: [
        "", "v1/cache", "*", "/v1", "/v1/", "/v2/cache", "/v1/cache/", "/v1/cache/a/", "/v1/cache//touch", "//",
        "/v1//a",
        "/v1/cache/a/touch/", "/v1/cachet", "/v1/cach", "/V1/cache", "/v1/%63ache", "/v1/errors/a.b", "/v1/errors/%61",
        "/v1/jobs/1a", "/v1/jobs/12345678901234567890", "/v1/jobs/-1",
    ])
    func aPathWithoutARouteIsNotFound(_ path: String) throws {
        #expect(try answer(.get, path) == "404")
        guard path.hasPrefix("/") else { return }
        #expect(try answer(.options, path) == "OPTIONS OPTIONS")
    }

    @Test func getImpliesHeadUnlessARouteHasIt() throws {
        #expect(try answer(.head, "/v1/cache/a") == "GET /v1/cache/{key} a")
        #expect(try answer(.head, "/v1/cache/batch") == "GET /v1/cache/{key} batch")
        #expect(try answer(.head, "/v1/jobs/batch") == "405 POST, OPTIONS")
        let own: [(HTTPMethod, String)] = [(.get, "/a"), (.head, "/a")]
        #expect(try answer(.head, "/a", of: own) == "HEAD /a")
    }

    @Test(arguments: ["*", ""]) func optionsOfTheServerListsTheMethodsOfAllRoutes(_ path: String) throws {
        #expect(try answer(.options, path) == "OPTIONS GET, HEAD, POST, PUT, DELETE, OPTIONS")
        #expect(try answer(.get, path) == "404")
    }

    @Test func optionsIsAnsweredForEveryKnownPath() throws {
        #expect(try answer(.options, "/v1/cache/a") == "OPTIONS GET, HEAD, PUT, DELETE, OPTIONS")
        #expect(try answer(.options, "/v1/cache/a/touch") == "OPTIONS POST, OPTIONS")
        #expect(try answer(.options, "/a", of: [(.options, "/a")]) == "OPTIONS /a")
    }

    @Test func theNarrowestParameterComesFirst() throws {
        let table: [(HTTPMethod, String)] = [
            (.get, "/{any}"), (.get, "/{word:word}"), (.get, "/{number:int}"), (.put, "/{word:word}"),
        ]
        #expect(try answer(.get, "/17", of: table) == "GET /{number:int} 17")
        #expect(try answer(.get, "/a-7", of: table) == "GET /{word:word} a-7")
        #expect(try answer(.get, "/a.7", of: table) == "GET /{any} a.7")
        #expect(try answer(.put, "/17", of: table) == "PUT /{word:word} 17")
        #expect(try answer(.put, "/a.7", of: table) == "405 GET, HEAD, OPTIONS")
    }

    @Test func anEmptyTextMayEndAPatternAndMatchesATrailingSlash() throws {
        let table: [(HTTPMethod, String)] = [(.get, "/a/"), (.put, "/a")]
        #expect(try answer(.get, "/a/", of: table) == "GET /a/")
        #expect(try answer(.get, "/a", of: table) == "405 PUT, OPTIONS")
    }

    @Test func twoRoutesOfOneShapeAndMethodClash() {
        let table: [(HTTPMethod, String)] = [(.get, "/a/{x}/b"), (.put, "/a/{x}/b"), (.get, "/a/{x}/b")]
        #expect(throws: RouterFault.clash("GET /a/{x}/b", "GET /a/{x}/b")) { try router(of: table) }
    }

    @Test func aParameterHasOneName() {
        let table: [(HTTPMethod, String)] = [(.get, "/a/{x}"), (.put, "/a/{y}/b")]
        #expect(throws: RouterFault.namesDiffer("GET /a/{x}", "PUT /a/{y}/b")) { try router(of: table) }
        #expect(RouterFault.clash("GET /a", "GET /b").description == "GET /a and GET /b match the same requests")
    }

    @Test(arguments: [
        "", "a", "a/b", "//", "/a//b", "/{}", "/{a", "/a}", "/a{b}", "/{a}b", "/{a:}", "/{a:text}", "/{a:int:int}",
        "/{1}",
        "/{a}/{a}", "/.", "/..", "/a b", "/%61", "/a?b", "/é", "/{a}/{b}/{c}/{d}/{e}", "/{a}{b}", "/{é}",
    ])
    func aMalformedPatternIsRefused(_ pattern: String) {
        let fault = #expect(throws: RouterFault.self) { try router(of: [(.get, "/ok"), (.get, pattern)]) }
        #expect(fault?.description.hasPrefix("the pattern \(pattern) is malformed: ") == true)
    }

    @Test func aTemplateOmitsTheKinds() throws {
        #expect(try RoutePattern("/a/{b:int}/c/{d}").template == "/a/{b}/c/{d}")
        #expect(try RoutePattern("/").template == "/")
    }

    @Test func theTrieAnswersLikeAListOfPatterns() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededRandom(seed: seed)
        for _ in 0..<60 {
            let table = randomTable(using: &generator)
            let router = try router(of: table)
            let twin = NaiveRouter(routes: table)
            for _ in 0..<200 {
                let method = Self.methods.randomElement(using: &generator)!
                let path = randomPath(using: &generator)
                #expect(
                    answer(method, path, by: router) == twin.answer(method, path), "seed \(seed), \(path), \(table)")
            }
        }
    }

    private static let methods: [HTTPMethod] = [.get, .head, .post, .put, .delete, .patch, .options]

    private func randomPath(using generator: inout SeededRandom) -> String {
        let pieces = ["a", "b", "a", "b", "ab", "", "7", "a%2F", "12345678901234567890", "-"]
        let count = Int.random(in: 0...4, using: &generator)
        return (0..<count).reduce(into: count == 0 ? "/" : "") { path, _ in
            path += "/" + pieces.randomElement(using: &generator)!
        }
    }

    /// Routes without a clash, because those that would are left out.
    private func randomTable(using generator: inout SeededRandom) -> [(HTTPMethod, String)] {
        var table: [(HTTPMethod, String)] = []
        for _ in 0..<Int.random(in: 1...25, using: &generator) {
            let pieces = (0..<Int.random(in: 1...4, using: &generator)).map { depth in
                [
                    "a", "b", "ab", "7", "{x\("pqrs".dropFirst(depth).prefix(1)):int}",
                    "{y\("pqrs".dropFirst(depth).prefix(1)):word}",
                    "{z\("pqrs".dropFirst(depth).prefix(1))}",
                ].randomElement(using: &generator)!
            }
            let route = (Self.methods.randomElement(using: &generator)!, "/" + pieces.joined(separator: "/"))
            if (try? router(of: table + [route])) != nil {
                table.append(route)
            }
        }
        return table
    }

    private func router(of table: [(HTTPMethod, String)]) throws -> Router<String> {
        try Router(table.map { ($0.0, $0.1, "\($0.0.name) \($0.1)") })
    }

    /// The answer in words: the route and its parameters, or the status.
    private func answer(
        _ method: HTTPMethod, _ path: String, of table: [(HTTPMethod, String)] = table
    ) throws -> String {
        answer(method, path, by: try router(of: table))
    }

    private func answer(_ method: HTTPMethod, _ path: String, by router: Router<String>) -> String {
        let bytes = Array(path.utf8)
        switch router.match(method, bytes.span) {
        case .found(let match):
            let parameters = (0..<match.parameters.count).map {
                String(decoding: bytes[match.parameters[$0]], as: UTF8.self)
            }
            return ([router[match.route]] + parameters).joined(separator: " ")
        case .options(let allow): return "OPTIONS \(allow)"
        case .methodNotAllowed(let allow): return "405 \(allow)"
        case .notFound: return "404"
        }
    }
}

/// The naive twin: every pattern is tried, and of those that match the one narrowest from the left wins.
private struct NaiveRouter {
    let routes: [(HTTPMethod, String)]

    func answer(_ method: HTTPMethod, _ path: String) -> String {
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let fitting = routes.compactMap { route in ranks(of: route.1, segments).map { (route: route, ranks: $0) } }
        var allow = fitting.reduce(into: HTTPMethodSet()) { $0.insert(HTTPMethodSet($1.route.0)) }
        if allow.isEmpty {
            return method == .options ? "OPTIONS OPTIONS" : "404"
        }
        // A HEAD route counts where its pattern has one; elsewhere GET stands in for it.
        let usable = fitting.filter { candidate in
            candidate.route.0 == method
                || method == .head && candidate.route.0 == .get
                    && !fitting.contains { $0.route.0 == .head && $0.route.1 == candidate.route.1 }
        }
        if let best = usable.min(by: { $0.ranks.lexicographicallyPrecedes($1.ranks) }) {
            let parameters = zip(segments, best.ranks).filter { $0.1 > 0 }.map(\.0)
            return (["\(best.route.0.name) \(best.route.1)"] + parameters).joined(separator: " ")
        }
        if allow.contains(.get) {
            allow.insert(HTTPMethodSet(.head))
        }
        allow.insert(HTTPMethodSet(.options))
        return method == .options ? "OPTIONS \(allow)" : "405 \(allow)"
    }

    /// How narrow each piece of the pattern is, 0 for a text; nil if it does not fit.
    private func ranks(of pattern: String, _ segments: [String]) -> [Int]? {
        let pieces = pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard pieces.count == segments.count else { return nil }
        var ranks: [Int] = []
        for (piece, segment) in zip(pieces, segments) {
            guard piece.hasPrefix("{") else {
                guard piece == segment else { return nil }
                ranks.append(0)
                continue
            }
            guard !segment.isEmpty else { return nil }
            if piece.hasSuffix(":int}") {
                guard segment.count <= 19, segment.allSatisfy(\.isNumber) else { return nil }
                ranks.append(1)
            } else if piece.hasSuffix(":word}") {
                guard segment.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }) else { return nil }
                ranks.append(2)
            } else {
                ranks.append(3)
            }
        }
        return ranks
    }
}
