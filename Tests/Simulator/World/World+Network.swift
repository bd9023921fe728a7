internal import DequeModule
import Reactor
import TestSupport

// MARK: - The network

extension World {
    private typealias Side = SimulatedConnection.Side

    // MARK: Dialling

    func dial(_ socket: SocketID, from machine: Machine<Process>, to target: Int) {
        precondition(socket.rawValue % 2 == 1 && machine.sockets[socket] == nil, "socket \(socket.rawValue) dials")
        connectionCount += 1
        machine.counters.dials += 1
        let connection = SimulatedConnection(
            serial: connectionCount, from: machine.index, boot: machine.boot, socket: socket, to: target)
        machine.sockets[socket] = SocketPlace(connection: connection, side: .dialler)
        trace.note(
            .dial, machine: machine.index, socket.rawValue, UInt64(target), at: now,
            "dial #\(socket.rawValue) to n\(target + 1)")
        queue.schedule(.opening(connection), at: arrivalOfOpening(from: machine.index, to: target))
        queue.schedule(.dialTimeout(connection), at: now.after(microseconds: shape.dialTimeout))
    }

    /// A lost first packet is sent again after a second.
    private func arrivalOfOpening(from source: Int, to target: Int) -> SimulatedTime {
        let arrival = now.after(microseconds: latency(from: source, to: target))
        guard isLost(from: source, to: target) else { return arrival }
        paths.noteImpaired(source, target, until: arrival.after(microseconds: 1_000_000))
        return arrival.after(microseconds: 1_000_000)
    }

    private func openAgain(_ connection: SimulatedConnection) {
        let wait: UInt64 = 1_000_000 << UInt64(min(connection.openingRetries, 6))
        connection.openingRetries += 1
        let (source, target) = (connection[end: .dialler].machine, connection[end: .acceptor].machine)
        let again = now.after(microseconds: wait)
        paths.noteImpaired(source, target, until: again)
        queue.schedule(.opening(connection), at: again)
    }

    func dialArrives(_ connection: SimulatedConnection) {
        guard !connection.isDialOver else { return }
        let source = connection[end: .dialler].machine
        let target = machines[connection[end: .acceptor].machine]
        guard paths.isOpen(from: source, to: target.index), target.powerCuts == 0 else {
            return openAgain(connection)
        }
        if target.isRunning {
            post(.handshake(connection), to: target)
        } else {
            sendReset(of: connection, to: .dialler)
        }
    }

    /// The acceptor's part of the handshake, which needs its process to run.
    func answerDial(_ connection: SimulatedConnection, by machine: Machine<Process>) {
        guard !connection.isDialOver else { return }
        connection[end: .acceptor].boot = machine.boot
        let source = connection[end: .dialler].machine
        guard paths.isOpen(from: machine.index, to: source) else { return openAgain(connection) }
        queue.schedule(
            .opened(connection), at: now.after(microseconds: latency(from: machine.index, to: source)))
    }

    func dialIsAnswered(_ connection: SimulatedConnection) {
        guard !connection.isDialOver, let dialler = holder(of: connection, .dialler) else { return }
        connection.isDialOver = true
        post(.connected(dialler.socket), to: dialler.machine)
    }

    func dialIsOverdue(_ connection: SimulatedConnection) {
        guard !connection.isDialOver else { return }
        connection.isDialOver = true
        guard let dialler = holder(of: connection, .dialler) else { return }
        connection[end: .dialler].isOpen = false
        post(.dialFailed(dialler.socket, .timedOut), to: dialler.machine)
    }

    /// The dialler's last word of the handshake: the acceptor learns of the connection by it.
    func sendHandshake(of socket: SocketID, on machine: Machine<Process>) {
        guard let place = machine.sockets[socket] else { return }
        send(.handshake, by: place.side, of: place.connection)
    }

    // MARK: Writing

    func write(_ bytes: [UInt8], to socket: SocketID, of machine: Machine<Process>) {
        guard let place = machine.sockets[socket] else { return }
        machine.counters.writes += 1
        machine.counters.bytesWritten += UInt64(bytes.count)
        trace.note(
            .write, machine: machine.index, socket.rawValue, XXH3.hash(bytes.span, seed: 0), at: now,
            "write #\(socket.rawValue) \(bytes.count) B")
        let (connection, side) = (place.connection, place.side)
        connection[from: side].bufferedBytes += bytes.count
        send(.bytes(bytes), by: side, of: connection)
        if connection[from: side].bufferedBytes > SimulatedConnection.bufferedMax, !connection[from: side].isCongested {
            connection[from: side].isCongested = true
            post(.congested(socket), to: machine)
        }
    }

    private func send(_ content: SimulatedConnection.Content, by side: Side, of connection: SimulatedConnection) {
        if case .bytes(let more) = content, let last = connection[from: side].segments.indices.last,
            connection[from: side].segments[last].turn == turn,
            case .bytes(var bytes) = connection[from: side].segments[last].content
        {
            connection[from: side].segments[last].content = .end
            bytes.append(contentsOf: more)
            connection[from: side].segments[last].content = .bytes(bytes)
            return
        }
        let (source, target) = (connection[end: side].machine, connection[end: side.other].machine)
        var due = now.after(microseconds: latency(from: source, to: target))
        var retries = 0
        while isLost(from: source, to: target) {
            due = due.after(microseconds: SimulatedConnection.retransmissionDelay(retries: retries))
            paths.noteImpaired(source, target, until: due)
            retries += 1
        }
        due = max(due, connection[from: side].lastDue)
        connection[from: side].lastDue = due
        connection[from: side].segments.append(.init(content: content, due: due, turn: turn))
        scheduleHead(of: connection, from: side, at: due)
    }

    private func scheduleHead(of connection: SimulatedConnection, from side: Side, at time: SimulatedTime) {
        guard !connection[from: side].isScheduled else { return }
        connection[from: side].isScheduled = true
        queue.schedule(.segment(connection, side), at: max(time, now))
    }

    // MARK: Arriving

    func segmentIsDue(_ connection: SimulatedConnection, from side: SimulatedConnection.Side) {
        connection[from: side].isScheduled = false
        guard let head = connection[from: side].segments.first else { return }
        let (source, target) = (connection[end: side].machine, connection[end: side.other].machine)
        let isAcknowledged = paths.isOpen(from: target, to: source)
        let mayPass = isAcknowledged || connection[from: side].unacknowledged < SimulatedConnection.unacknowledgedMax
        guard paths.isOpen(from: source, to: target), mayPass, machines[target].powerCuts == 0 else {
            return sendAgain(connection, from: side)
        }
        connection[from: side].retries = 0
        connection[from: side].unacknowledged = isAcknowledged ? 0 : connection[from: side].unacknowledged + 1
        connection[from: side].segments.removeFirst()
        arrive(head.content, through: connection, from: side)
        if let next = connection[from: side].segments.first {
            scheduleHead(of: connection, from: side, at: next.due)
        }
    }

    private func sendAgain(_ connection: SimulatedConnection, from side: Side) {
        let wait = SimulatedConnection.retransmissionDelay(retries: connection[from: side].retries)
        connection[from: side].retries += 1
        let again = now.after(microseconds: wait)
        let (source, target) = (connection[end: side].machine, connection[end: side.other].machine)
        paths.noteImpaired(source, target, until: again)
        trace.note(
            .retry, machine: source, connection.serial, wait, at: now,
            "segment to n\(target + 1) again in \(wait / 1_000) ms")
        scheduleHead(of: connection, from: side, at: again)
    }

    private func arrive(
        _ content: SimulatedConnection.Content, through connection: SimulatedConnection, from side: Side
    ) {
        let machine = machines[connection[end: side.other].machine]
        switch content {
        case .handshake:
            accept(connection, on: machine)
        case .bytes(let bytes):
            guard let reader = holder(of: connection, side.other) else {
                // An end that was closed in order throws away what still comes; one that is gone says so.
                if connection[from: side.other].segments.isEmpty { sendReset(of: connection, to: side) }
                return
            }
            deliver(bytes, to: reader.socket, on: reader.machine)
        case .end:
            guard let reader = holder(of: connection, side.other) else { return }
            connection[end: side.other].isOpen = false
            connection[from: side.other].segments.removeAll()
            post(.closed(reader.socket, .ended), to: reader.machine)
        }
    }

    private func accept(_ connection: SimulatedConnection, on machine: Machine<Process>) {
        guard machine.isRunning, machine.boot == connection[end: .acceptor].boot else {
            return sendReset(of: connection, to: .dialler)
        }
        machine.acceptedCount += 1
        let socket = SocketID(rawValue: 2 * machine.acceptedCount)
        connection[end: .acceptor].socket = socket
        connection[end: .acceptor].isOpen = true
        machine.sockets[socket] = SocketPlace(connection: connection, side: .acceptor)
        post(.accepted(socket), to: machine)
    }

    /// Bytes come as the network cuts them, which is anywhere.
    private func deliver(_ bytes: [UInt8], to socket: SocketID, on machine: Machine<Process>) {
        guard bytes.count > 1, random.happens(permille: 60) else { return post(.read(socket, bytes), to: machine) }
        let cut = Int.random(in: 1..<bytes.count, using: &random)
        post(.read(socket, Array(bytes[..<cut])), to: machine)
        post(.read(socket, Array(bytes[cut...])), to: machine)
    }

    func noteRead(_ count: Int, from place: SocketPlace) {
        let side = place.side.other
        place.connection[from: side].bufferedBytes -= count
        guard place.connection[from: side].isCongested,
            place.connection[from: side].bufferedBytes < SimulatedConnection.bufferedMax / 2
        else { return }
        place.connection[from: side].isCongested = false
        if let writer = holder(of: place.connection, side) { post(.drained(writer.socket), to: writer.machine) }
    }

    // MARK: Ending

    func close(_ socket: SocketID, of machine: Machine<Process>) {
        guard let place = machine.sockets.removeValue(forKey: socket) else { return }
        trace.note(.close, machine: machine.index, socket.rawValue, at: now, "close #\(socket.rawValue)")
        place.connection[end: place.side].isOpen = false
        guard place.connection.isDialOver else {
            place.connection.isDialOver = true
            return
        }
        send(.end, by: place.side, of: place.connection)
    }

    func abort(_ socket: SocketID, of machine: Machine<Process>) {
        guard let place = machine.sockets.removeValue(forKey: socket) else { return }
        trace.note(.abort, machine: machine.index, socket.rawValue, at: now, "abort #\(socket.rawValue)")
        vanish(place, isSilent: false)
    }

    /// One end is gone with all that it had to send.
    func vanish(_ place: SocketPlace, isSilent: Bool) {
        let connection = place.connection
        connection[end: place.side].isOpen = false
        connection[from: place.side].segments.removeAll()
        guard connection.isDialOver else {
            connection.isDialOver = true
            return
        }
        if !isSilent { sendReset(of: connection, to: place.side.other) }
    }

    /// A reset is sent once: a cut path swallows it.
    func sendReset(of connection: SimulatedConnection, to side: SimulatedConnection.Side) {
        let (source, target) = (connection[end: side.other].machine, connection[end: side].machine)
        guard paths.isOpen(from: source, to: target), machines[source].powerCuts == 0 else { return }
        queue.schedule(
            .reset(connection, side), at: now.after(microseconds: latency(from: source, to: target)))
    }

    func resetArrives(_ connection: SimulatedConnection, at side: SimulatedConnection.Side) {
        guard let holder = holder(of: connection, side) else { return }
        connection[end: side].isOpen = false
        connection[from: side].segments.removeAll()
        trace.note(
            .reset, machine: holder.machine.index, holder.socket.rawValue, at: now,
            "reset of #\(holder.socket.rawValue)")
        if side == .dialler, !connection.isDialOver {
            connection.isDialOver = true
            post(.dialFailed(holder.socket, .refused), to: holder.machine)
        } else {
            post(.closed(holder.socket, .reset), to: holder.machine)
        }
    }

    // MARK: Helpers

    /// The process that holds an end of a connection open. Nil: it has closed it, or died.
    private func holder(
        of connection: SimulatedConnection, _ side: Side
    ) -> (machine: Machine<Process>, socket: SocketID)? {
        let end = connection[end: side]
        let machine = machines[end.machine]
        guard end.isOpen, let socket = end.socket, machine.isRunning, machine.boot == end.boot else { return nil }
        return (machine, socket)
    }

    private func latency(from source: Int, to target: Int) -> UInt64 {
        let path = paths[from: source, to: target]
        let jitter = shape.jitter + path.delay / 2
        return shape.latency + path.delay + (jitter > 0 ? UInt64.random(in: 0...jitter, using: &random) : 0)
    }

    private func isLost(from source: Int, to target: Int) -> Bool {
        let permille = shape.lossPermille + paths[from: source, to: target].lossPermille
        return random.happens(permille: min(permille, 900))
    }
}
