/// Finds the route of a request: an immutable trie of path segments, built once at start, that refuses routes which
/// clash.
///
/// In one position a text is tried before an `int`, a `word` and an `any` parameter, and what it leads to hides the
/// others only if it has a route for the method: `POST /v1/cache/batch` is the batch route, while `GET /v1/cache/batch`
/// reads the key "batch" through `/v1/cache/{key}`. So a request may try several branches; each node of the trie is
/// visited at most once, whatever the path. Segments are compared raw: `/v1/%63ache` is another path than `/v1/cache`.
///
/// GET implies HEAD where no route of its own has it, and OPTIONS is answered for every path: for one without a route
/// that it allows nothing else, for `*`, the server as a whole (RFC 9110 §9.3.7), with every method of any route.
package struct Router<Payload> {
    private let trie: RouteTrie
    private let payloads: [Payload]

    package init(
        _ routes: [(method: HTTPMethod, pattern: String, payload: Payload)]
    ) throws(RouterFault) {
        trie = try RouteTrie(routes.map { ($0.method, $0.pattern) })
        payloads = routes.map(\.payload)
    }

    /// The route of `method` and `path`, which is the raw path without its query. Allocates nothing.
    package func match(_ method: HTTPMethod, _ path: Span<UInt8>) -> RouteAnswer {
        trie.match(method, path)
    }

    /// What came with the route of this index, in the order of `init`.
    package subscript(route: Int) -> Payload { payloads[route] }
}

extension Router: Sendable where Payload: Sendable {}

package enum RouteAnswer: Sendable {
    case found(RouteMatch)
    /// An OPTIONS request for a path that has no route of its own for it.
    case options(allow: HTTPMethodSet)
    case methodNotAllowed(allow: HTTPMethodSet)
    case notFound
}

package struct RouteMatch: Sendable {
    package let route: Int
    package let parameters: RouteParameters
}

/// Where the parameters of a matched path are: ranges of its raw bytes, in the order of the pattern.
package struct RouteParameters: Sendable {
    /// Room for `RoutePattern.parametersMax`.
    private var ranges = InlineArray<4, Range<Int>>(repeating: 0..<0)
    package private(set) var count = 0

    package subscript(index: Int) -> Range<Int> {
        precondition(index < count, "parameter \(index) of \(count)")
        return ranges[index]
    }

    mutating func append(_ range: Range<Int>) {
        ranges[count] = range
        count += 1
    }

    mutating func removeLast() {
        count -= 1
    }
}

/// The trie itself, which knows routes by their index alone.
struct RouteTrie: Sendable {
    /// The root is the first. Texts are in `labels`, so that a node is plain data and no walk counts references.
    var nodes: [RouteNode] = [RouteNode()]
    var labels: [UInt8] = []

    /// One attempt to match a path.
    private struct Search {
        let method: HTTPMethod
        var parameters = RouteParameters()
        /// The methods of every route that has the shape of the path.
        var allow: HTTPMethodSet = []
    }

    func match(_ method: HTTPMethod, _ path: Span<UInt8>) -> RouteAnswer {
        guard path.count > 0, path[0] == UInt8(ascii: "/") else {
            return method == .options ? .options(allow: allMethods) : .notFound
        }
        var search = Search(method: method)
        if let route = walk(from: 0, path, at: 1, &search) {
            return .found(RouteMatch(route: route, parameters: search.parameters))
        }
        guard method == .options || !search.allow.isEmpty else { return .notFound }
        search.allow.insert(HTTPMethodSet(.options))
        return method == .options ? .options(allow: search.allow) : .methodNotAllowed(allow: search.allow)
    }

    private var allMethods: HTTPMethodSet {
        nodes.reduce(into: HTTPMethodSet(.options)) { $0.formUnion($1.methods) }
    }

    /// The route below `node` for the segments of `path` from byte `start` on.
    private func walk(from node: Int, _ path: Span<UInt8>, at start: Int, _ search: inout Search) -> Int? {
        var end = start
        while end < path.count, path[end] != UInt8(ascii: "/") {
            end += 1
        }
        if let child = text(of: node, path, start..<end),
            let route = arrive(at: child, path, end, &search)
        {
            return route
        }
        guard end > start, nodes[node].hasParameters else { return nil }
        for kind in RoutePattern.Kind.allCases {
            guard let child = nodes[node].parameter(kind), kind.accepts(path, start..<end) else { continue }
            search.parameters.append(start..<end)
            if let route = arrive(at: child, path, end, &search) {
                return route
            }
            search.parameters.removeLast()
        }
        return nil
    }

    /// Goes on at `child`, whose segment ends at byte `end`.
    private func arrive(at child: Int, _ path: Span<UInt8>, _ end: Int, _ search: inout Search) -> Int? {
        if end < path.count {
            return walk(from: child, path, at: end + 1, &search)
        }
        search.allow.formUnion(nodes[child].methods)
        return nodes[child].route(search.method)
    }

    /// The child of `node` that is this text.
    func text(of node: Int, _ path: Span<UInt8>, _ segment: Range<Int>) -> Int? {
        var next = nodes[node].firstText
        while let child = next.index {
            if nodes[child].labelCount == segment.count, isLabel(of: child, path, segment.lowerBound) {
                return child
            }
            next = nodes[child].nextText
        }
        return nil
    }

    private func isLabel(of child: Int, _ path: Span<UInt8>, _ start: Int) -> Bool {
        let (label, count) = (nodes[child].labelStart, nodes[child].labelCount)
        return labels.span.extracting(label..<label + count).isEqual(to: path.extracting(start..<start + count))
    }
}

/// One position of the trie, reached by a text or a parameter.
struct RouteNode: Sendable {
    var labelStart = 0
    var labelCount = 0
    /// The children that are texts, as a list through `nextText`.
    var firstText = RouteLink()
    var nextText = RouteLink()
    private var parameters = InlineArray<3, RouteLink>(repeating: RouteLink())
    private(set) var hasParameters = false
    private var routes = InlineArray<7, RouteLink>(repeating: RouteLink())
    /// Of the routes that end here.
    private(set) var methods: HTTPMethodSet = []

    func parameter(_ kind: RoutePattern.Kind) -> Int? {
        parameters[Int(kind.rawValue)].index
    }

    mutating func setParameter(_ kind: RoutePattern.Kind, _ child: Int) {
        parameters[Int(kind.rawValue)] = RouteLink(child)
        hasParameters = true
    }

    func route(_ method: HTTPMethod) -> Int? {
        routes[Int(method.rawValue)].index
    }

    mutating func setRoute(_ method: HTTPMethod, _ route: Int) {
        routes[Int(method.rawValue)] = RouteLink(route)
        methods.insert(HTTPMethodSet(method))
    }
}

/// An index in two bytes, or none: nodes stay within two cache lines.
struct RouteLink: Sendable {
    private let raw: Int16

    init() {
        raw = -1
    }

    init(_ index: Int) {
        raw = Int16(index)
    }

    var index: Int? { raw < 0 ? nil : Int(raw) }
}

extension RoutePattern.Kind {
    fileprivate func accepts(_ path: Span<UInt8>, _ segment: Range<Int>) -> Bool {
        switch self {
        case .int: segment.count <= 19 && segment.allSatisfy { Self.isDigit(path[$0]) }
        case .word: segment.allSatisfy { Self.isWord(path[$0]) }
        case .any: true
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        let lower = byte | 0x20
        return isDigit(byte) || lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "-")
    }
}
