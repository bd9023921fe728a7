import Cluster

extension MetricsPage {
    /// The cluster as this node sees it.
    func writeCluster(to page: inout PrometheusText) {
        let snapshot = cluster.snapshot
        page.family("tribe_cluster_members", .gauge, "Members by the state in which this node sees them.")
        for state in MemberState.allCases {
            page.sample(
                "tribe_cluster_members", [("state", state.word)], snapshot.members.count { $0.state == state })
        }
        page.family("tribe_cluster_member_state", .gauge, "1 for the state of each member.")
        for member in snapshot.members {
            let labels = [("member", member.id.text), ("state", member.state.word)]
            page.sample("tribe_cluster_member_state", labels, 1)
        }
        page.single(
            "tribe_cluster_roster_generation", .gauge, "Of the roster in force.", snapshot.roster.generation)
        page.family("tribe_cluster_partitions", .gauge, "Partitions of which this node is an owner.")
        var (primaries, copies) = (0, 0)
        for number in 0..<PartitionID.count {
            let partition = PartitionID(rawValue: UInt16(number))
            if snapshot.placement.primary(of: partition) == snapshot.own.id {
                primaries += 1
            } else if snapshot.placement.isOwner(snapshot.own.id, of: partition) {
                copies += 1
            }
        }
        page.sample("tribe_cluster_partitions", [("role", "primary")], primaries)
        page.sample("tribe_cluster_partitions", [("role", "copy")], copies)
        writeLinks(to: &page)
        page.family("tribe_condition", .gauge, "1 while something is so that somebody should look at it.")
        for condition in ClusterCondition.allCases {
            let holds = snapshot.conditions.contains { $0.0 == condition }
            page.sample("tribe_condition", [("name", condition.rawValue)], holds ? 1 : 0)
        }
    }

    private func writeLinks(to page: inout PrometheusText) {
        let links = readings.flatMap(\.links).map { link in
            (labels: [("peer", link.peer.text), ("kind", "\(link.kind)")], statistics: link.statistics)
        }
        guard !links.isEmpty else { return }
        func write(_ name: String, _ kind: PrometheusText.Kind, _ help: String, _ value: (LinkStatistics) -> UInt64) {
            page.family(name, kind, help)
            for link in links { page.sample(name, link.labels, value(link.statistics)) }
        }
        func write(_ name: String, _ help: String, _ label: String, _ values: (LinkStatistics) -> [(String, UInt64)]) {
            page.family(name, .counter, help)
            for link in links {
                for (word, count) in values(link.statistics) { page.sample(name, link.labels + [(label, word)], count) }
            }
        }
        write("tribe_link_up", .gauge, "1 while the link is up.") { $0.isUp ? 1 : 0 }
        write("tribe_link_bytes_total", "Bytes of frames, without TLS.", "direction") {
            [("sent", $0.bytesSent), ("received", $0.bytesReceived)]
        }
        write("tribe_link_frames_total", "Frames.", "direction") {
            [("sent", $0.framesSent), ("received", $0.framesReceived)]
        }
        write("tribe_link_frames_dropped_total", .counter, "Frames to send that there was no room for.") {
            $0.framesDropped
        }
        write("tribe_link_dials_total", .counter, "Connections tried.") { $0.dials }
        write("tribe_link_dial_failures_total", "Connections tried in vain.", "reason") { statistics in
            DialFailure.allCases.map { ("\($0)", statistics.dialFailures[$0, default: 0]) }
        }
        write("tribe_link_connects_total", .counter, "Times the link came up.") { $0.connects }
        write("tribe_link_losses_total", "Times it was lost, by how.", "evidence") { statistics in
            LinkEvidence.allCases.map { ("\($0)", statistics.losses[$0, default: 0]) }
        }
    }
}
