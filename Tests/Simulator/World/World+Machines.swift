package import Cluster
import TestSupport

// MARK: - Machines

extension World {
    /// The operator wants a process on this machine from now on.
    package func putIntoService(_ machine: Int) {
        machines[machine].isInService = true
        startIfWanted(machines[machine])
    }

    /// And from now on none: it is killed if it runs.
    package func takeOutOfService(_ machine: Int) {
        machines[machine].isInService = false
        kill(machines[machine])
    }

    package func moment(on machine: Int) -> Moment {
        machines[machine].clock.moment(at: now)
    }

    /// What the operator's file says from now on; a running process is told.
    package func configure(_ machine: Int, _ configuration: Process.Configuration) {
        machines[machine].configuration = configuration
        post(.reload(configuration), to: machines[machine])
    }

    /// Since when the process of a machine has run without a pause, with the CPU it wanted. Nil: it does not.
    package func wellSince(_ machine: Int) -> SimulatedTime? { machines[machine].wellSince }

    /// The same, but for pauses.
    package func soundSince(_ machine: Int) -> SimulatedTime? { machines[machine].soundSince }

    /// Since when nothing has been wrong between two machines. Nil: something is.
    package func wellSince(between first: Int, and second: Int) -> SimulatedTime? {
        paths.wellSince(first, second, at: now)
    }

    func startIfWanted(_ machine: Machine<Process>) {
        guard machine.isInService, machine.downs == 0, !machine.isRunning else { return }
        machine.boot += 1
        machine.pauses = 0
        machine.resumedAt = nil
        machine.killedAt = nil
        machine.busyUntil = now
        trace.note(.start, machine: machine.index, UInt64(machine.boot), at: now, "start \(machine.boot)")
        let place = machine.index << 16 | machine.boot
        machine.process = Process(
            ProcessStart(
                machine: machine.index, configuration: machine.configuration, files: machine.disk.files,
                moment: machine.clock.moment(at: now),
                random: SeededRandom(seed: seed, for: .process, index: place)))
        noteHealth(of: machine)
        post(.started, to: machine)
    }

    /// kill -9. The kernel resets the connections, unless the machine has lost its power.
    func kill(_ machine: Machine<Process>) {
        guard machine.isRunning else { return }
        trace.note(.crash, machine: machine.index, UInt64(machine.powerCuts), at: now, "dies")
        // A stopped process that is killed had been silent before.
        machine.killedAt = machine.powerCuts > 0 || machine.isStopped ? nil : now
        endProcess(of: machine) { vanish($0, isSilent: machine.powerCuts > 0) }
        var random = machine.random
        machine.disk.crash { Bool.random(using: &random) }
        machine.random = random
    }

    func exit(_ machine: Machine<Process>) {
        trace.note(.exit, machine: machine.index, at: now, "exits")
        for socket in machine.sockets.keys.sorted(by: { $0.rawValue < $1.rawValue }) { close(socket, of: machine) }
        endProcess(of: machine) { _ in }
        machine.disk.crash { true }
    }

    private func endProcess(of machine: Machine<Process>, lettingGo letGo: (SocketPlace) -> Void) {
        machine.process = nil
        machine.pending.removeAll()
        machine.wishedWake = nil
        machine.wakeTicket += 1
        let places = machine.sockets.sorted { $0.key.rawValue < $1.key.rawValue }.map(\.value)
        machine.sockets.removeAll()
        for place in places { letGo(place) }
        noteHealth(of: machine)
    }

    // MARK: Faults of machines

    func stop(_ machine: Machine<Process>) {
        machine.pauses += 1
        machine.resumedAt = nil
        noteHealth(of: machine)
    }

    /// A process that was started meanwhile had not been stopped.
    func goOn(_ machine: Machine<Process>) {
        guard machine.pauses > 0 else { return }
        machine.pauses -= 1
        if machine.pauses == 0 { machine.resumedAt = now }
        noteHealth(of: machine)
        runPending(machine)
    }

    func suspend(_ machine: Machine<Process>) {
        machine.suspensions += 1
        machine.clock.setSuspended(true, at: now)
        armTimer(of: machine)
        noteHealth(of: machine)
    }

    func resume(_ machine: Machine<Process>) {
        machine.suspensions = max(0, machine.suspensions - 1)
        guard machine.suspensions == 0 else { return }
        machine.clock.setSuspended(false, at: now)
        armTimer(of: machine)
        noteHealth(of: machine)
        runPending(machine)
    }

    func noteHealth(of machine: Machine<Process>) {
        if machine.wellSince != nil, !machine.isWell { machine.lastWell = now }
        machine.wellSince = machine.isWell ? machine.wellSince ?? now : nil
        machine.soundSince = machine.isSound ? machine.soundSince ?? now : nil
        let isSilent = !machine.isRunning || machine.isStopped
        machine.stoppedSince = isSilent ? machine.stoppedSince ?? now : nil
    }
}
