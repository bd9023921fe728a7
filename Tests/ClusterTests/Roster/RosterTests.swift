import Cluster
import Testing

struct RosterTests {
    static func node(_ id: String, peer: Int = 7_400, zone: String? = nil, weight: Double = 1) -> RosterNode {
        RosterNode(
            id: NodeID(id)!, host: "127.0.0.1", peer: peer, http: 8_080, resp: 6_380, zone: zone, weight: weight)
    }

    static func roster(_ generation: Int, _ ids: [String] = ["n1", "n2", "n3"], replicas: Int = 2) -> Roster {
        Roster(cluster: "test", generation: generation, nodes: ids.map { node($0) }, replicas: replicas)
    }

    @Test func textIsOneLineOfJSONWithNodesByID() {
        let roster = Roster(
            cluster: "shop \"1\"", generation: 7,
            nodes: [Self.node("n2", zone: "é\n", weight: 2.5), Self.node("n10"), Self.node("n1", peer: 1)], replicas: 3)
        let text = #"""
            {"cluster":"shop \"1\"","generation":7,"replicas":3,"nodes":[\#
            {"id":"n1","host":"127.0.0.1","peer":1,"http":8080,"resp":6380},\#
            {"id":"n10","host":"127.0.0.1","peer":7400,"http":8080,"resp":6380},\#
            {"id":"n2","host":"127.0.0.1","peer":7400,"http":8080,"resp":6380,"zone":"é\n","weight":2.5}]}
            """#
        #expect(String(decoding: roster.text, as: UTF8.self) == text)
    }

    /// Published: nodes of different versions must agree.
    @Test func hashIsThatOfTheText() {
        #expect(String(Self.roster(1).hash, radix: 16) == "551c87c2260cdbb4")
    }

    @Test func orderInTheFileMeansNothing() {
        #expect(Self.roster(1, ["n3", "n1", "n2"]) == Self.roster(1))
        #expect(Self.roster(1, ["n3", "n1", "n2"]).nodes.map(\.id.text) == ["n1", "n2", "n3"])
    }

    @Test func everyChangeChangesTheHash() {
        let others = [Self.node("n2"), Self.node("n3")]
        func roster(_ first: RosterNode, cluster: String = "test") -> Roster {
            Roster(cluster: cluster, generation: 1, nodes: [first] + others, replicas: 2)
        }
        let rosters = [
            Self.roster(1), Self.roster(2), Self.roster(1, replicas: 3), Self.roster(1, ["n1", "n2"]),
            roster(Self.node("n1"), cluster: "other"), roster(Self.node("n1", zone: "a")),
            roster(Self.node("n1", weight: 2)), roster(Self.node("n1", peer: 1)),
        ]
        #expect(Set(rosters.map(\.hash)).count == rosters.count)
    }

    @Test func nodeIsFoundByItsID() {
        let roster = Self.roster(1, (1...200).map { "n\($0)" })
        for (index, node) in roster.nodes.enumerated() { #expect(roster.index(of: node.id) == index) }
        #expect(roster.index(of: NodeID("n201")!) == nil)
        #expect(roster.index(of: NodeID("a")!) == nil)
    }

    // MARK: Text

    @Test func textIsReadAsItWasWritten() throws {
        let roster = Roster(
            cluster: "test", generation: 4,
            nodes: [Self.node("a", zone: "x", weight: 0.01), Self.node("b", weight: 100), Self.node("c")], replicas: 5)
        let read = try RosterText.read(roster.text)
        #expect(read == roster)
        #expect(read.nodes == roster.nodes)
    }

    @Test func everyPrefixOfATextIsRefused() {
        let text = Self.roster(1).text
        for length in 0..<text.count {
            #expect(throws: RosterText.Fault.notJSON) { try RosterText.read(Array(text.prefix(length))) }
        }
    }

    struct Wrong: Sendable {
        let from: String
        let to: String
        let fault: RosterText.Fault

        init(_ from: String, _ to: String, _ fault: RosterText.Fault = .malformed) {
            (self.from, self.to, self.fault) = (from, to, fault)
        }
    }

    @Test(arguments: [
        Wrong("\"generation\":1", "\"generation\": 1", .notCanonical),
        Wrong("\"replicas\":2", "\"replicas\":2,\"more\":1", .notCanonical),
        Wrong("6380}]", "6380,\"weight\":1}]", .notCanonical), Wrong("6380}]", "6380,\"weight\":1.50}]", .notCanonical),
        Wrong("\"replicas\":2", "\"replicas\":2,\"replicas\":2", .notJSON),
        Wrong("\"generation\":1", "\"generation\":4294967296"), Wrong("\"generation\":1", "\"generation\":-1"),
        Wrong("\"replicas\":2", "\"replicas\":6"), Wrong("\"replicas\":2", "\"replicas\":0"),
        Wrong("\"cluster\":\"test\"", "\"cluster\":\"\""), Wrong("\"id\":\"n3\"", "\"id\":\"N3\""),
        Wrong("\"id\":\"n3\"", "\"id\":\"n2\""), Wrong("\"id\":\"n3\"", "\"id\":\"a\""),
        Wrong("\"peer\":7400", "\"peer\":0"), Wrong("\"http\":8080", "\"http\":65536"),
        Wrong("6380}]", "6380,\"weight\":100.5}]"), Wrong("6380}]", "6380,\"zone\":\"\"}]"),
        Wrong("\"host\":\"127.0.0.1\"", "\"host\":\"\""),
    ])
    func textThatNoNodeWritesIsRefused(_ wrong: Wrong) {
        let right = String(decoding: Self.roster(1).text, as: UTF8.self)
        let text = right.replacing(wrong.from, with: wrong.to)
        #expect(text != right)
        #expect(throws: wrong.fault) { try RosterText.read(Array(text.utf8)) }
    }

    @Test func largestRosterIsNotTooLong() throws {
        let nodes = (0..<Roster.nodesMax).map { index in
            RosterNode(
                id: NodeID(String(repeating: "n", count: 28) + String(1_000 + index))!,
                host: String(repeating: "h", count: RosterNode.hostLengthMax), peer: 65_535, http: 65_535, resp: 65_535,
                zone: String(repeating: "\u{1}", count: RosterNode.zoneLengthMax), weight: 99.99999999999999)
        }
        let roster = Roster(
            cluster: String(repeating: "\u{1}", count: Roster.clusterLengthMax), generation: Roster.generationMax,
            nodes: nodes, replicas: 5)
        #expect(roster.text.count <= RosterText.bytesMax)
        #expect(try RosterText.read(roster.text) == roster)
    }

    // MARK: Marks

    @Test func higherGenerationSupersedesAndOfOneGenerationTheLowerHash() {
        let mark = RosterMark(generation: 5, hash: 500)
        #expect(RosterMark(generation: 6, hash: 900).supersedes(mark))
        #expect(!RosterMark(generation: 4, hash: 1).supersedes(mark))
        #expect(RosterMark(generation: 5, hash: 499).supersedes(mark))
        #expect(!RosterMark(generation: 5, hash: 501).supersedes(mark))
        #expect(!mark.supersedes(mark))
        #expect(!mark.conflicts(with: mark))
        #expect(mark.conflicts(with: RosterMark(generation: 5, hash: 1)))
        #expect(!mark.conflicts(with: RosterMark(generation: 6, hash: 1)))
    }
}
