import Cluster
import Reactor
import Testing

@testable import Node

private func figures(of view: ClusterView) -> NodeFigures {
    var figures = NodeFigures()
    figures.keys = 7
    figures.generation = view.snapshot.roster.generation
    figures.rosterHash = view.snapshot.roster.hashText
    return figures
}

private func status(_ view: ClusterView, _ change: (inout [NodeID: NodeFigures]) -> Void = { _ in }) -> ClusterStatus {
    var all = Dictionary(uniqueKeysWithValues: view.snapshot.members.map { ($0.id, figures(of: view)) })
    change(&all)
    return ClusterStatus(view: view, figures: all)
}

private func text(_ status: ClusterStatus) -> [UInt8] {
    var json = JSONWriter()
    status.write(to: &json)
    return json.bytes
}

@Suite struct ClusterStatusTests {
    @Test func nothingIsWrongWithAClusterThatIsWell() throws {
        let status = status(try makeView())
        #expect(status.issues.isEmpty && status.missing.isEmpty)
        let report = try #require(StatusReport(text(status)))
        #expect(report.isWell && report.nodes.map(\.id) == ["n1", "n2", "n3"] && report.generation == 4)
        #expect(report.nodes[1].http == "10.0.0.2:8080" && report.nodes[0].http == "127.0.0.1:8080")
        #expect(report.nodes.allSatisfy { $0.figures?.keys == 7 })
        #expect(report.text.contains("all is well"))
    }

    @Test(arguments: [MemberState.suspect, .unreachable, .left])
    func aMemberThatIsNotAliveIsNamed(state: MemberState) throws {
        let status = status(try makeView([.alive, state, .alive])) { $0[NodeID("n2")!] = nil }
        #expect(status.issues == ["n2 is \(state.word)"])
        #expect(status.missing == [NodeID("n2")])
        let report = try #require(StatusReport(text(status)))
        #expect(
            !report.isWell && report.nodes[1].figures == nil && report.text.contains("degraded: n2 is \(state.word)"))
    }

    @Test func aLivingMemberThatDoesNotAnswerIsNamed() throws {
        #expect(status(try makeView()) { $0[NodeID("n3")!] = nil }.issues == ["n3 did not answer"])
    }

    @Test func aNodeThatIsNotReadySaysWhy() throws {
        let status = status(try makeView()) { all in
            all[NodeID("n2")!]?.isReady = false
            all[NodeID("n2")!]?.reasons = ["serving draining"]
        }
        #expect(status.issues == ["n2 is not ready (serving draining)"])
    }

    @Test func anotherRosterIsNamed() throws {
        let status = status(try makeView()) { all in
            all[NodeID("n3")!]?.rosterHash = "0000000000000000"
            all[NodeID("n3")!]?.generation = 3
        }
        #expect(status.issues == ["n3 has another roster, of generation 3"])
        let spread = RosterSpread(try #require(StatusReport(text(status))))
        #expect(!spread.isComplete && spread.behind == ["n3"] && spread.known == 2)
    }

    @Test func whoIsNotThereIsNotWaitedFor() throws {
        let status = status(try makeView([.alive, .alive, .unreachable])) { $0[NodeID("n3")!] = nil }
        let spread = RosterSpread(try #require(StatusReport(text(status))))
        #expect(spread.isComplete && spread.absent == ["n3"] && spread.text.contains("Not there: n3."))
    }

    @Test func aConditionIsAnIssue() throws {
        let view = try makeView(conditions: [(.clockAhead, "n2 is ahead")])
        #expect(status(view).issues == ["n2 is ahead"])
    }

    @Test func figuresOfALaterVersionAreReadAndHalfOnesAreNot() throws {
        let figures = figures(of: try makeView())
        var json = JSONWriter()
        json.object { json in
            figures.write(to: &json)
            json.member("laterFigure", 1)
        }
        #expect(NodeFigures(bytes: json.bytes) == figures)
        #expect(NodeFigures(bytes: Array(#"{"version":"1"}"#.utf8)) == nil)
        #expect(NodeFigures(bytes: Array("nonsense".utf8)) == nil)
    }

    @Test func partitionsAreCountedByOwner() throws {
        var json = JSONWriter()
        ClusterDocument(try makeView([.alive, .alive, .unreachable])).writePartitions(to: &json)
        let report = try #require(PartitionsReport(json.bytes))
        #expect(report.owners.count == 1_024 && report.owners.allSatisfy { $0.count == 2 && !$0.contains("n3") })
        let primaries = report.owners.count { $0[0] == "n1" }
        #expect(report.summary.contains("n1    \(primaries)") || report.summary.contains("n1  "))
        #expect(report.lines.split(separator: "\n").count == 1_025)
    }
}
