import Cluster
import Reactor

/// How every node of the cluster is, and what is wrong: `/v1/cluster/status`. A pure core but for `handle`.
struct ClusterStatus {
    let view: ClusterView
    /// Of those that answered.
    let figures: [NodeID: NodeFigures]

    var missing: [NodeID] { view.snapshot.members.map(\.id).filter { figures[$0] == nil } }

    /// What keeps the cluster from being well, one thing each.
    var issues: [String] {
        let snapshot = view.snapshot
        var issues: [String] = []
        for member in snapshot.members {
            let id = member.id
            if member.state != .alive { issues.append("\(id) is \(member.state.word)") }
            guard let figures = figures[id] else {
                if member.state == .alive { issues.append("\(id) did not answer") }
                continue
            }
            if !figures.isReady { issues.append("\(id) is not ready (\(figures.reasons.joined(separator: ", ")))") }
            if figures.rosterHash != snapshot.roster.hashText {
                issues.append("\(id) has another roster, of generation \(figures.generation)")
            }
        }
        return issues + snapshot.conditions.map(\.1)
    }

    func write(to json: inout JSONWriter) {
        let (snapshot, issues) = (view.snapshot, issues)
        json.object { json in
            json.member("status", issues.isEmpty ? "ok" : "degraded")
            json.array("issues") { json in for issue in issues { json.string(issue) } }
            json.array("nodes") { json in for member in snapshot.members { write(member, to: &json) } }
            json.array("missing") { json in for id in missing { json.string(id.text) } }
            json.member("generation", snapshot.roster.generation)
            json.member("rosterHash", snapshot.roster.hashText)
            json.key("epoch")
            json.integer(snapshot.placement.epoch)
        }
    }

    private func write(_ member: Member, to json: inout JSONWriter) {
        let addresses = view.addresses(of: member.id)
        json.object { json in
            json.member("id", member.id.text)
            json.member("state", member.state.word)
            json.member("http", addresses.http)
            json.member("resp", addresses.resp)
            json.key("figures")
            if let figures = figures[member.id] { json.object(figures.write) } else { json.null() }
        }
    }
}

extension ClusterStatus {
    /// Asks all members on the first loop.
    static let handle: SystemHandlers.Handler = { service, exchange, _ in
        let (home, first) = (service.loop, service.node.group.loops[0])
        first.executeHereOrThere {
            LoopParts.of(first).nodeCluster.gatherFigures { status in
                home.executeHereOrThere {
                    guard exchange.isAnswerable else { return }
                    var json = JSONWriter()
                    status.write(to: &json)
                    ClusterHandlers.answer(exchange, json.span)
                }
            }
        }
    }
}
