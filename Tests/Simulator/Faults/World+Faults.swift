// MARK: - Faults

extension World {
    package func schedule(_ schedule: FaultSchedule) {
        for fault in schedule.faults {
            self.schedule(at: SimulatedTime(milliseconds: fault.start)) { $0.begin(fault) }
            guard fault.duration > 0 else { continue }
            self.schedule(at: SimulatedTime(milliseconds: fault.start + fault.duration)) { $0.end(fault) }
        }
    }

    /// Puts right what faults leave behind. The faults themselves have ended.
    package func heal() {
        trace.note(.fault, machine: 0, at: now, "healing")
        for machine in machines {
            machine.clock.correct(at: now)
            armTimer(of: machine)
            noteHealth(of: machine)
            startIfWanted(machine)
        }
    }

    private func begin(_ fault: Fault) {
        trace.note(.fault, machine: 0, UInt64(fault.start), 1, at: now, "fault begins: \(fault.kind)")
        switch fault.kind {
        case .loss, .delay, .cutOneWay, .cutLink, .split: impair(fault.kind, by: 1)
        case .reset(let pair): reset(between: pair.first, and: pair.second)
        case .crash(let machine), .wipe(let machine): bringDown(machines[machine])
        case .powerCut(let machine):
            machines[machine].powerCuts += 1
            machines[machine].killedAt = nil
            bringDown(machines[machine])
        case .stop(let machine):
            machines[machine].downs += 1
            post(.terminate, to: machines[machine])
        case .pause(let machine): stop(machines[machine])
        case .suspend(let machine): suspend(machines[machine])
        case .starve(let machine, let milliseconds): starve(machines[machine], milliseconds: milliseconds)
        case .clockJump(let machine, let milliseconds):
            machines[machine].clock.stepWall(milliseconds: milliseconds, at: now)
        case .drift(let machine, let parts): setDrift(parts, of: machines[machine])
        case .slowDisk(let machine, let milliseconds): machines[machine].diskDelay += milliseconds * 1_000
        case .roster(let edit): self.edit?(self, edit)
        }
    }

    private func end(_ fault: Fault) {
        trace.note(.fault, machine: 0, UInt64(fault.start), 0, at: now, "fault ends: \(fault.kind)")
        switch fault.kind {
        case .loss, .delay, .cutOneWay, .cutLink, .split: impair(fault.kind, by: -1)
        case .crash(let machine): bringUp(machines[machine])
        case .wipe(let machine):
            // Of two faults that keep a machine down, the later one's end starts it; the directory is empty by then.
            machines[machine].disk.wipe()
            bringUp(machines[machine])
        case .powerCut(let machine):
            machines[machine].powerCuts -= 1
            bringUp(machines[machine])
        case .stop(let machine):
            kill(machines[machine])
            bringUp(machines[machine])
        case .pause(let machine): goOn(machines[machine])
        case .suspend(let machine): resume(machines[machine])
        case .starve(let machine, _): starve(machines[machine], milliseconds: 0)
        case .drift(let machine, _): setDrift(0, of: machines[machine])
        case .slowDisk(let machine, let milliseconds): machines[machine].diskDelay -= milliseconds * 1_000
        case .reset, .clockJump, .roster: break
        }
    }

    private func bringDown(_ machine: Machine<Process>) {
        machine.downs += 1
        kill(machine)
    }

    private func bringUp(_ machine: Machine<Process>) {
        machine.downs -= 1
        startIfWanted(machine)
    }

    private func starve(_ machine: Machine<Process>, milliseconds: UInt64) {
        machine.starvation = milliseconds * 1_000
        noteHealth(of: machine)
    }

    private func setDrift(_ partsInAMillion: Int64, of machine: Machine<Process>) {
        machine.clock.setDrift(partsInAMillion, at: now)
        armTimer(of: machine)
        noteHealth(of: machine)
    }

    // MARK: Paths

    private func impair(_ kind: Fault.Kind, by sign: Int) {
        for source in 0..<machines.count {
            for target in 0..<machines.count where source != target {
                impair(kind, from: source, to: target, by: sign)
            }
        }
    }

    private func impair(_ kind: Fault.Kind, from source: Int, to target: Int, by sign: Int) {
        var path = paths[from: source, to: target]
        switch kind {
        case .loss(let pair, let permille) where pair?.joins(source, target) ?? true:
            path.lossPermille = sign > 0 ? path.lossPermille + permille : path.lossPermille - permille
        case .delay(let pair, let milliseconds) where pair?.joins(source, target) ?? true:
            path.delay = sign > 0 ? path.delay + milliseconds * 1_000 : path.delay - milliseconds * 1_000
        case .cutOneWay(let from, let to) where from == source && to == target: path.cuts += sign
        case .cutLink(let pair) where pair.joins(source, target): path.cuts += sign
        case .split(let group) where group.contains(source) != group.contains(target): path.cuts += sign
        default: return
        }
        paths[from: source, to: target] = path
        // What was under way when the fault ended may still be late.
        paths.noteImpaired(source, target, until: now.after(milliseconds: 100))
    }

    /// As a firewall does that rejects what it does not know.
    private func reset(between first: Int, and second: Int) {
        let places = machines[first].sockets.sorted { $0.key.rawValue < $1.key.rawValue }.map(\.value)
        paths.noteImpaired(first, second, until: now.after(milliseconds: 1_000))
        for place in places where place.connection[end: place.side.other].machine == second {
            sendReset(of: place.connection, to: place.side)
            sendReset(of: place.connection, to: place.side.other)
        }
    }
}

extension Fault.Pair {
    func joins(_ source: Int, _ target: Int) -> Bool {
        (first, second) == (source, target) || (first, second) == (target, source)
    }
}
