import Cluster

// MARK: - After healing

extension ClusterInvariants {
    /// Called often between healing and the end of `convergenceMax`.
    func lookForConvergence(_ world: ClusterWorld) {
        guard convergedAt == nil, difference(in: world) == nil else { return }
        convergedAt = world.now
    }

    /// All must be equal now. From here on nothing may move.
    func demandConvergence(_ world: ClusterWorld) {
        if let (invariant, text) = difference(in: world) { return fail(invariant, world, text) }
        isCalm = true
        for machine in world.machines { watches[machine.index].counters = machine.counters }
    }

    func demandCalm(_ world: ClusterWorld, seconds: UInt64) {
        if let (invariant, text) = difference(in: world) { return fail(invariant, world, text) }
        for machine in members(of: world) {
            let writes = (machine.counters.writes - watches[machine.index].counters.writes) / seconds
            let peers = UInt64(best?.nodes.count ?? 1)
            if writes > ClusterBounds.writesPerPeerMax * peers {
                fail(.cost, world, "\(name(machine.index)) writes \(writes) times a second to \(peers) peers")
            }
        }
        // Of those too who are no members: they have no reason to be busy.
        for machine in world.machines where machine.isRunning {
            let turns = (machine.counters.turns - watches[machine.index].counters.turns) / seconds
            let peers = UInt64(world.machines.count)
            if turns > ClusterBounds.turnsPerPeerMax * peers {
                fail(.cost, world, "\(name(machine.index)) has \(turns) turns a second with \(peers) machines")
            }
        }
    }

    private func members(of world: ClusterWorld) -> [ClusterMachine] {
        world.machines.filter { $0.isInService && best?.contains($0.index) ?? false }
    }

    /// What is not as it should be in the end; nil: all is.
    private func difference(in world: ClusterWorld) -> (Invariant, String)? {
        guard let best else { return (.oneRoster, "no node has a roster") }
        let machines = members(of: world)
        var epoch: UInt64?
        for machine in machines {
            guard let process = machine.process else { return (.convergence, "\(name(machine.index)) does not run") }
            guard process.core.roster == best else {
                return (
                    .oneRoster,
                    """
                    \(name(machine.index)) has generation \(process.core.roster.generation) \
                    (\(String(process.core.roster.hash, radix: 16))), not \(best.generation) \
                    (\(String(best.hash, radix: 16)))
                    """
                )
            }
            if let text = wrongView(of: process, on: machine, in: world) { return (.convergence, text) }
            if let epoch, epoch != process.epoch {
                return (.equalTables, "\(name(machine.index)) has the table \(process.epoch ?? 0), not \(epoch)")
            }
            epoch = process.epoch
            let expected = ClusterBounds.connectionsPerPair * (machines.count - 1)
            let count = machine.sockets.values.count { best.contains($0.connection[end: $0.side.other].machine) }
            guard count == expected else {
                return (.links, "\(name(machine.index)) has \(count) sockets, not \(expected)")
            }
        }
        return nil
    }

    private func wrongView(
        of process: ClusterProcess, on machine: ClusterMachine, in world: ClusterWorld
    ) -> String? {
        for member in process.core.members {
            let subject = world.machines[ClusterLayout.machine(of: member.id)]
            guard member.state == .alive || (!subject.isInService && !member.isPresent) else {
                return "\(name(machine.index)) holds \(member.id) \(member.state)"
            }
            if member.isPresent, let identity = member.identity, identity != subject.process?.own {
                return "\(name(machine.index)) takes an earlier process for \(member.id)"
            }
        }
        return nil
    }
}
