import Cluster
import Reactor

extension SettingForm where Value == [RosterNode] {
    /// The nodes of the cluster: ids and addresses are unique. Of wrong ones those that can be read are still read, so
    /// that what else is wrong is found too.
    static var roster: SettingForm {
        SettingForm(
            noun: "a list of nodes",
            phrase: #"nodes: {"id", "host", "peer", "http", "resp"} and, if wanted, "zone" and "weight""#,
            bounds: "1 to \(Roster.nodesMax) nodes", kinds: [.array],
            parse: { _, _ in .failure(SettingProblem(.invalidValue, "only the file lists nodes")) },
            show: { .list($0.map(show)) },
            readJSON: { value, _, faults, _ in RosterReading(faults).read(value) })
    }

    private static func show(_ node: RosterNode) -> SettingValue {
        .record([
            .init(name: "id", value: .text(node.id.text)), .init(name: "host", value: .text(node.host)),
            .init(name: "peer", value: .number(node.peer)), .init(name: "http", value: .number(node.http)),
            .init(name: "resp", value: .number(node.resp)),
            .init(name: "zone", value: node.zone.map { .text($0) } ?? .none),
            .init(name: "weight", value: node.weight == 1 ? .none : .decimal(node.weight)),
        ])
    }
}

extension SettingForm where Value == [String] {
    /// `[{"url":"https://…"}]`
    static var webhooks: SettingForm {
        SettingForm(
            noun: "a list of webhooks", phrase: #"a list of {"url": "https://…"}"#, bounds: "at most \(webhooksMax)",
            kinds: [.array],
            parse: { _, _ in .failure(SettingProblem(.invalidValue, "only the file lists webhooks")) },
            show: { .list($0.map { .record([.init(name: "url", value: .text($0))]) }) },
            readJSON: { value, _, faults, _ in
                // No excerpt of what is wrong: the URL of a webhook is a secret.
                let url = JSONShape<String> { value, faults in
                    if let text = value.string, SettingForm<String>.isURL(text) { return text }
                    faults.add(.invalidValue, at: value, "expected a URL such as \"https://example.com/hook\"")
                    return nil
                }
                let webhook = JSONShape<String>.object { fields in fields.required("url", url) }
                return JSONShape.array(of: webhook, countMax: webhooksMax).read(value, faults)
            })
    }

    private static var webhooksMax: Int { 32 }
}

/// Reads `nodes`, noting everything that is wrong with each of them and between them.
private struct RosterReading {
    private let faults: JSONFaults
    /// The pointers of the nodes with these ids, and of what has these addresses.
    private var ids: [String: String] = [:]
    private var addresses: [String: String] = [:]

    init(_ faults: JSONFaults) { self.faults = faults }

    private static let port = JSONShape<Int>.integer(in: RosterNode.ports)
    private static let id = JSONShape<String>.text("1 to 32 of the characters a to z, 0 to 9 and \"-\"") { text in
        NodeID(text) == nil ? nil : text
    }
    private static let host = JSONShape<String>.text("an IP address or a name that others can reach") { text in
        if SocketAddress.isNumeric(host: text) { return SocketAddress.isUnspecified(host: text) ? nil : text }
        return isName(text) ? text : nil
    }
    private static let zone = JSONShape<String>.text("a name of 1 to 64 characters") { text in
        (1...RosterNode.zoneLengthMax).contains(text.utf8.count) ? text : nil
    }

    /// A host name: labels of letters, digits and dashes. Not only digits, which is an address gone wrong.
    private static func isName(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let areLabels = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.utf8.allSatisfy { $0 == UInt8(ascii: "-") || isAlphanumeric($0) }
        }
        return areLabels && text.utf8.count <= RosterNode.hostLengthMax
            && labels.last?.utf8.contains { $0 > UInt8(ascii: "9") } ?? false
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    consuming func read(_ value: JSONValue) -> [RosterNode]? {
        guard var elements = value.elements else {
            faults.add(.wrongType, at: value, "expected a list of nodes, got \(value.kind.phrase)")
            return nil
        }
        let count = elements.count
        guard (1...Roster.nodesMax).contains(count) else {
            faults.add(.outOfRange, at: value, "expected 1 to \(Roster.nodesMax) nodes, got \(count)")
            return nil
        }
        var nodes: [RosterNode] = []
        while let element = elements.next() {
            if let node = node(element) { nodes.append(node) }
        }
        return nodes
    }

    private mutating func node(_ value: JSONValue) -> RosterNode? {
        var fields = JSONFields(of: value, faults)
        let id = fields.required("id", Self.id)
        let host = fields.required("host", Self.host)
        let peer = fields.required("peer", Self.port)
        let http = fields.required("http", Self.port)
        let resp = fields.required("resp", Self.port)
        let zone = fields.optional("zone", Self.zone)
        let weight = fields.optional("weight", .number(in: RosterNode.weights))
        fields.finish()
        if let id { checkID(id, in: value) }
        for (name, port) in [("peer", peer), ("http", http), ("resp", resp)] {
            if let host, let port { checkAddress(host, port, name, in: value) }
        }
        guard let id = id.flatMap(NodeID.init), let host, let peer, let http, let resp else { return nil }
        return RosterNode(
            id: id, host: host, peer: peer, http: http, resp: resp, zone: zone, weight: weight ?? 1)
    }

    private mutating func checkID(_ id: String, in node: JSONValue) {
        guard let member = node.member("id") else { return }
        if let earlier = ids[id] {
            let hint = "Give each node an id of its own"
            faults.add(.invalidValue, at: member, hint: hint, "\(earlier) has the id \"\(id)\" too")
        } else {
            ids[id] = member.pointer
        }
    }

    /// No two listeners of the cluster have the same host and port.
    private mutating func checkAddress(_ host: String, _ port: Int, _ name: String, in node: JSONValue) {
        guard let member = node.member(name) else { return }
        let address = "\(SocketAddress.canonical(host: host)) \(port)"
        if let earlier = addresses[address] {
            let hint = "Choose another port: no two listeners share host and port"
            faults.add(.invalidValue, at: member, hint: hint, "port \(port) of \(host) is that of \(earlier)")
        } else {
            addresses[address] = member.pointer
        }
    }
}
