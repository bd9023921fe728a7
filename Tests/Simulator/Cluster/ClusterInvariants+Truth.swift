import Cluster

// MARK: - What nodes say of each other, against the truth

extension ClusterInvariants {
    private func hasLasted(_ since: SimulatedTime?, _ milliseconds: UInt64, at now: SimulatedTime) -> Bool {
        since.map { now.since($0) >= milliseconds * 1_000 } ?? false
    }

    /// Whether two machines could talk all the time for so long, by themselves.
    private func areLinked(_ first: Int, _ second: Int, for milliseconds: UInt64, _ world: ClusterWorld) -> Bool {
        hasLasted(world.wellSince(between: first, and: second), milliseconds, at: world.now)
    }

    /// Since when nothing has been wrong between a member and any other of its roster. Nil: something is.
    private func linkedToAllSince(_ subject: Int, _ world: ClusterWorld) -> SimulatedTime? {
        var since = SimulatedTime.zero
        for other in watches.indices where other != subject && (watches[subject].roster?.contains(other) ?? false) {
            guard let linked = world.wellSince(between: other, and: subject) else { return nil }
            since = max(since, linked)
        }
        return since
    }

    private func isWell(_ machine: Int, for milliseconds: UInt64, _ world: ClusterWorld) -> Bool {
        hasLasted(world.wellSince(machine), milliseconds, at: world.now)
    }

    /// Whether each has the other in its roster, for so long.
    private func know(_ first: Int, _ second: Int, for milliseconds: UInt64, _ world: ClusterWorld) -> Bool {
        [(first, second), (second, first)].allSatisfy { one, other in
            guard let process = world.machines[one].process, !process.isLeaving,
                watches[one].roster?.contains(other) ?? false
            else { return false }
            return hasLasted(watches[one].rosterSince, milliseconds, at: world.now)
        }
    }

    // MARK: Accusations

    /// A verdict of one node on another, while both knew each other.
    func judge(_ event: MemberEvent, by machine: ClusterMachine, _ process: ClusterProcess, in world: ClusterWorld) {
        let (observer, subject) = (machine.index, ClusterLayout.machine(of: event.id))
        let wait = ClusterBounds.healthyMin
        guard event.previous == .alive || event.previous == .suspect, isWell(subject, for: wait, world),
            know(observer, subject, for: wait, world)
        else { return }
        let isDirect = areLinked(observer, subject, for: wait, world)
        switch event.state {
        case .unreachable:
            // However badly the observer did: a node that was stopped or starved has to mistrust itself. It may believe
            // others, who held it unreachable rightly, until it hears itself; and what it reads may be old.
            let heardAt = machine.lastWell ?? world.now
            let isExcused =
                !hasLasted(linkedToAllSince(subject, world), wait, at: heardAt)
                || !hasLasted(world.wellSince(subject), wait, at: heardAt)
            if isDirect, isWell(observer, for: wait, world) || !isExcused {
                fail(.noWrongDeath, world, "\(name(observer)) \(ClusterNews.member(event)), whose link was healthy")
            } else if isWell(observer, for: wait, world), let relay = relay(observer, subject, for: wait, world) {
                fail(
                    .noWrongDeath, world,
                    """
                    \(name(observer)) \(ClusterNews.member(event)), though \(name(relay)) could reach both
                    """)
            }
        case .suspect where isDirect:
            falseSuspicions += 1
            if falseSuspicions > ClusterBounds.falseSuspicionsMax {
                fail(.fewFalseSuspicions, world, "\(falseSuspicions) in one run, the last: \(event.id)")
            }
            if isWell(observer, for: wait, world), event.cause == .silence || event.cause == .evidence {
                fail(.fewFalseSuspicions, world, "\(name(observer)) \(ClusterNews.member(event)), all being healthy")
            }
        case .suspect where event.cause == .silence && isWell(observer, for: wait, world):
            if areAllRelays(observer, subject, for: wait, world) {
                fail(
                    .fewFalseSuspicions, world,
                    "\(name(observer)) \(ClusterNews.member(event)), though every other node could reach both")
            }
        case .alive, .suspect, .left: break
        }
    }

    /// Whether nothing has been wrong but between these two.
    private func areAllRelays(_ observer: Int, _ subject: Int, for wait: UInt64, _ world: ClusterWorld) -> Bool {
        let others = watches.indices.filter {
            $0 != observer && $0 != subject && watches[observer].roster?.contains($0) ?? false
        }
        return !others.isEmpty && others.allSatisfy { isRelay($0, observer, subject, for: wait, world) }
    }

    private func relay(_ observer: Int, _ subject: Int, for wait: UInt64, _ world: ClusterWorld) -> Int? {
        watches.indices.first {
            $0 != observer && $0 != subject && isRelay($0, observer, subject, for: wait, world)
        }
    }

    private func isRelay(
        _ relay: Int, _ observer: Int, _ subject: Int, for wait: UInt64, _ world: ClusterWorld
    ) -> Bool {
        isWell(relay, for: wait, world)
            && know(observer, relay, for: wait, world) && know(relay, subject, for: wait, world)
            && areLinked(observer, relay, for: wait, world) && areLinked(relay, subject, for: wait, world)
    }

    // MARK: Twice a second

    static let samplingInterval: UInt64 = 500

    func sample(_ world: ClusterWorld) {
        for observer in world.machines {
            guard let process = observer.process else { continue }
            checkTable(of: observer, process, in: world)
            for member in process.core.members where member.id != process.own.id {
                checkDetection(of: member, by: observer, process, in: world)
                checkRecovery(of: member, by: observer, in: world)
                checkResumption(of: member, by: observer, in: world)
            }
        }
    }

    /// A node that has had time to make the table for what it holds has the table that all others make for it.
    private func checkTable(of machine: ClusterMachine, _ process: ClusterProcess, in world: ClusterWorld) {
        let (watch, wait) = (watches[machine.index], ClusterBounds.placementMax)
        guard let epoch = process.epoch, !process.isLeaving, isWell(machine.index, for: wait, world),
            hasLasted(watch.viewSince, wait, at: world.now), hasLasted(watch.rosterSince, wait, at: world.now)
        else { return }
        let present = process.core.members.filter(\.isPresent).map(\.id)
        let key = TableKey(roster: process.core.roster.mark, present: present)
        if let known = tables[key], known != epoch {
            fail(
                .equalTables, world,
                """
                \(name(machine.index)) has the table \(epoch), another had \(known), both with generation \
                \(key.roster.generation) and \(present.map(\.text).joined(separator: " ")) present
                """)
        }
        tables[key] = epoch
    }

    /// The silent are unreachable for those who could have heard them.
    private func checkDetection(
        of member: Member, by observer: ClusterMachine, _ process: ClusterProcess, in world: ClusterWorld
    ) {
        let subject = world.machines[ClusterLayout.machine(of: member.id)]
        guard member.isPresent, let silentSince = subject.silentSince,
            watches[observer.index].roster?.contains(observer.index) ?? false
        else { return }
        let wait = ClusterBounds.detectionMax
        if hasLasted(silentSince, wait, at: world.now), isWell(observer.index, for: wait, world),
            areLinked(observer.index, subject.index, for: wait, world),
            hasLasted(watches[observer.index].rosterSince, wait, at: world.now)
        {
            fail(
                .detection, world,
                """
                \(name(observer.index)) holds \(member.id) \(member.state), silent since \(silentSince)
                """)
        }
        checkEvidence(of: member, subject, by: observer, in: world)
    }

    /// A process that was killed, with at least two healthy others that see it: its kernel has refused them all.
    private func checkEvidence(
        of member: Member, _ subject: ClusterMachine, by observer: ClusterMachine, in world: ClusterWorld
    ) {
        let (wait, healthy) = (ClusterBounds.evidenceMax, ClusterBounds.healthyMin)
        guard let killedAt = subject.killedAt, hasLasted(killedAt, wait, at: world.now) else { return }
        let witnesses = world.machines.filter { witness in
            witness.index != subject.index && isWell(witness.index, for: healthy, world)
                && areLinked(witness.index, subject.index, for: healthy, world)
                && watches[witness.index].roster == watches[observer.index].roster
                && hasLasted(watches[witness.index].rosterSince, healthy, at: world.now)
        }
        guard witnesses.count >= 2, witnesses.contains(where: { $0.index == observer.index }),
            let other = witnesses.first(where: { $0.index != observer.index }),
            areLinked(observer.index, other.index, for: healthy, world)
        else { return }
        fail(.evidence, world, "\(name(observer.index)) holds \(member.id) \(member.state), killed at \(killedAt)")
    }

    private func checkRecovery(of member: Member, by observer: ClusterMachine, in world: ClusterWorld) {
        let subject = ClusterLayout.machine(of: member.id)
        let wait = ClusterBounds.recoveryMax
        guard !member.isPresent, isWell(observer.index, for: wait, world), isWell(subject, for: wait, world),
            areLinked(observer.index, subject, for: wait, world), know(observer.index, subject, for: wait, world)
        else { return }
        fail(
            .recovery, world,
            """
            \(name(observer.index)) holds \(member.id) \(member.state), though both and their link are healthy
            """)
    }

    /// A member that went on after a pause, all else being well for long, is alive again for those who were well.
    private func checkResumption(of member: Member, by observer: ClusterMachine, in world: ClusterWorld) {
        let subject = ClusterLayout.machine(of: member.id)
        let (wait, healthy) = (ClusterBounds.resumptionMax, ClusterBounds.healthyMin)
        guard let resumedAt = world.machines[subject].resumedAt, hasLasted(resumedAt, wait, at: world.now),
            !hasLasted(resumedAt, wait + Self.samplingInterval, at: world.now), member.state != .alive,
            hasLasted(world.soundSince(subject), healthy, at: world.now),
            isWell(observer.index, for: healthy, world), know(observer.index, subject, for: healthy, world),
            hasLasted(linkedToAllSince(subject, world), healthy, at: world.now)
        else { return }
        fail(
            .resumption, world,
            "\(name(observer.index)) holds \(member.id) \(member.state), which went on at \(resumedAt)")
    }
}
