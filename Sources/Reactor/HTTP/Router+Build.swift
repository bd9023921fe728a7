extension RouteTrie {
    /// The trie of these routes, whose indices are their places in the list.
    init(_ routes: [(method: HTTPMethod, pattern: String)]) throws(RouterFault) {
        precondition(routes.count <= Int16.max, "\(routes.count) routes")
        var builder = RouteTrieBuilder(routes: routes)
        for route in routes.indices {
            try builder.insert(route)
        }
        builder.implyHead()
        self = builder.trie
    }
}

/// Inserts routes, and remembers what a clash has to name.
private struct RouteTrieBuilder {
    let routes: [(method: HTTPMethod, pattern: String)]
    var trie = RouteTrie()
    /// By node: the name of the parameter that leads to it, and the first route that gave it.
    private var names: [Int: (name: String, route: Int)] = [:]

    init(routes: [(method: HTTPMethod, pattern: String)]) {
        self.routes = routes
    }

    mutating func insert(_ route: Int) throws(RouterFault) {
        let (method, text) = routes[route]
        var node = 0
        for segment in try RoutePattern(text).segments {
            switch segment {
            case .text(let label): node = child(of: node, Array(label.utf8))
            case .parameter(let parameter): node = try child(of: node, parameter, of: route)
            }
        }
        if let earlier = trie.nodes[node].route(method) {
            throw .clash(title(earlier), title(route))
        }
        trie.nodes[node].setRoute(method, route)
    }

    private mutating func child(of node: Int, _ label: [UInt8]) -> Int {
        if let child = trie.text(of: node, label.span, label.indices) {
            return child
        }
        var child = RouteNode()
        child.labelStart = trie.labels.count
        child.labelCount = label.count
        trie.labels += label
        trie.nodes.append(child)
        addText(RouteLink(trie.nodes.count - 1), to: node)
        return trie.nodes.count - 1
    }

    /// Behind the others: the routes that come first in the list are found first.
    private mutating func addText(_ child: RouteLink, to node: Int) {
        guard var last = trie.nodes[node].firstText.index else {
            trie.nodes[node].firstText = child
            return
        }
        while let next = trie.nodes[last].nextText.index { last = next }
        trie.nodes[last].nextText = child
    }

    private mutating func child(
        of node: Int, _ parameter: RoutePattern.Parameter, of route: Int
    ) throws(RouterFault) -> Int {
        if let child = trie.nodes[node].parameter(parameter.kind) {
            if let earlier = names[child], earlier.name != parameter.name {
                throw .namesDiffer(title(earlier.route), title(route))
            }
            return child
        }
        trie.nodes.append(RouteNode())
        let child = trie.nodes.count - 1
        trie.nodes[node].setParameter(parameter.kind, child)
        names[child] = (parameter.name, route)
        return child
    }

    mutating func implyHead() {
        for node in trie.nodes.indices where trie.nodes[node].route(.head) == nil {
            if let get = trie.nodes[node].route(.get) {
                trie.nodes[node].setRoute(.head, get)
            }
        }
    }

    private func title(_ route: Int) -> String {
        "\(routes[route].method.name) \(routes[route].pattern)"
    }
}
