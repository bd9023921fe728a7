import Cluster
internal import DequeModule
import Reactor
import TestSupport

// MARK: - Turns

/// A process runs when something waits for it and nothing keeps it from running. A turn of its loop deals with all that
/// waits; after each errand, what the process asked for is done before anybody else runs.
extension World {
    func post(_ event: ProcessEvent<Process.Configuration>, to machine: Machine<Process>) {
        post(.event(event), to: machine)
    }

    func post(_ errand: Errand<Process.Configuration>, to machine: Machine<Process>) {
        guard machine.isRunning else { return }
        machine.pending.append(errand)
        runPending(machine)
    }

    func runPending(_ machine: Machine<Process>) {
        guard !machine.isTurnScheduled, !machine.isInTurn else { return }
        while machine.isRunning, !machine.isStopped, !machine.pending.isEmpty {
            guard machine.busyUntil <= now else {
                machine.isTurnScheduled = true
                queue.schedule(.turn(machine.index), at: machine.busyUntil)
                return
            }
            runTurn(of: machine)
        }
    }

    private func runTurn(of machine: Machine<Process>) {
        var count = machine.pending.count
        while count > 0, machine.isRunning, !machine.isStopped, !machine.pending.isEmpty {
            run(machine.pending.removeFirst(), on: machine)
            count -= 1
        }
        if machine.starvation > 0 {
            machine.busyUntil = now.after(microseconds: .random(in: 0...machine.starvation, using: &machine.random))
        }
    }

    func turnIsDue(_ machine: Machine<Process>) {
        machine.isTurnScheduled = false
        runPending(machine)
    }

    private func run(_ errand: Errand<Process.Configuration>, on machine: Machine<Process>) {
        switch errand {
        case .event(let event):
            guard event.socket.map({ machine.sockets[$0] != nil }) ?? true else { return }
            if case .connected(let socket) = event { sendHandshake(of: socket, on: machine) }
            if let socket = event.endedSocket { machine.sockets[socket] = nil }
            handle(event, on: machine)
        case .read(let socket, let bytes):
            guard let place = machine.sockets[socket] else { return }
            noteRead(bytes.count, from: place)
            handle(.received(socket, bytes), on: machine)
        case .handshake(let connection):
            answerDial(connection, by: machine)
        }
    }

    private func handle(_ event: ProcessEvent<Process.Configuration>, on machine: Machine<Process>) {
        turn += 1
        machine.counters.turns += 1
        trace.note(.turn, machine: machine.index, event.code, event.socket?.rawValue ?? 0, at: now, event.text)
        machine.isInTurn = true
        var calls = self.calls
        self.calls = []
        let moment = machine.clock.moment(at: now)
        beforeTurn?(machine, event, moment)
        machine.process?.handle(event, at: moment, calls: &calls)
        for call in calls { perform(call, for: machine) }
        calls.removeAll(keepingCapacity: true)
        self.calls = calls
        machine.isInTurn = false
        afterTurn?(self, machine)
    }

    private func perform(_ call: SystemCall, for machine: Machine<Process>) {
        guard machine.isRunning else { return }
        switch call {
        case .dial(let socket, let target): dial(socket, from: machine, to: target)
        case .write(let socket, let bytes): write(bytes, to: socket, of: machine)
        case .close(let socket): close(socket, of: machine)
        case .abort(let socket): abort(socket, of: machine)
        case .persist(let token, let name, let bytes): persist(token, name: name, bytes, on: machine)
        case .wake(let milliseconds): wake(machine, at: milliseconds)
        case .exit: exit(machine)
        }
    }

    // MARK: Timers

    private func wake(_ machine: Machine<Process>, at milliseconds: UInt64) {
        guard machine.wishedWake != milliseconds else { return }
        machine.wishedWake = milliseconds
        armTimer(of: machine)
    }

    /// Also after each change of the clock's pace.
    func armTimer(of machine: Machine<Process>) {
        machine.wakeTicket += 1
        guard let wished = machine.wishedWake,
            let time = machine.clock.time(whenMonotonic: wished, from: now)
        else { return }
        queue.schedule(.timer(machine.index, ticket: machine.wakeTicket), at: time)
    }

    func timerIsDue(_ machine: Machine<Process>, ticket: UInt64) {
        guard machine.wakeTicket == ticket, machine.isRunning else { return }
        machine.wishedWake = nil
        // A loop that wakes late looks at its timers or at its sockets first.
        if machine.isStopped, Bool.random(using: &machine.random) {
            machine.pending.prepend(.event(.timer))
        } else {
            post(.timer, to: machine)
        }
    }

    // MARK: Disk

    private func persist(_ token: UInt64, name: String, _ bytes: [UInt8], on machine: Machine<Process>) {
        let duration = UInt64.random(in: 100...5_000, using: &machine.random) + machine.diskDelay
        let time = machine.disk.write(token, name: name, bytes, at: now, duration: duration)
        trace.note(.persist, machine: machine.index, token, XXH3.hash(bytes.span, seed: 0), at: now, "write \(name)")
        queue.schedule(.synced(machine.index, boot: machine.boot, token: token), at: time)
    }

    func writeIsDone(_ machine: Machine<Process>, boot: Int, token: UInt64) {
        guard machine.boot == boot, machine.disk.complete(token) else { return }
        post(.persisted(token), to: machine)
    }
}

extension ProcessEvent {
    var socket: SocketID? {
        switch self {
        case .accepted(let socket), .connected(let socket), .dialFailed(let socket, _), .received(let socket, _),
            .congested(let socket), .drained(let socket), .closed(let socket, _):
            socket
        case .started, .timer, .persisted, .reload, .terminate: nil
        }
    }

    /// The socket that is no more after this.
    var endedSocket: SocketID? {
        switch self {
        case .dialFailed(let socket, _), .closed(let socket, _): socket
        case .started, .timer, .accepted, .connected, .received, .congested, .drained, .persisted, .reload, .terminate:
            nil
        }
    }

    /// For the trace's hash.
    var code: UInt64 {
        switch self {
        case .started: 1
        case .timer: 2
        case .accepted: 3
        case .connected: 4
        case .dialFailed(_, let outcome): 0x500 | UInt64(outcome.rawValue)
        case .received(_, let bytes): 6 | XXH3.hash(bytes.span, seed: 6) << 8
        case .congested: 7
        case .drained: 8
        case .closed(_, let reason): 0x900 | UInt64(reason.rawValue)
        case .persisted(let token): 10 | token << 8
        case .reload: 11
        case .terminate: 12
        }
    }

    var text: String {
        switch self {
        case .started: "started"
        case .timer: "timer"
        case .accepted(let socket): "accepted #\(socket.rawValue)"
        case .connected(let socket): "connected #\(socket.rawValue)"
        case .dialFailed(let socket, let outcome): "dial #\(socket.rawValue) \(outcome)"
        case .received(let socket, let bytes): "received #\(socket.rawValue) \(bytes.count) B"
        case .congested(let socket): "congested #\(socket.rawValue)"
        case .drained(let socket): "drained #\(socket.rawValue)"
        case .closed(let socket, let reason): "closed #\(socket.rawValue) \(reason)"
        case .persisted(let token): "persisted \(token)"
        case .reload: "reload"
        case .terminate: "terminate"
        }
    }
}
