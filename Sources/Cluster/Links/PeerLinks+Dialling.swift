import Reactor

/// A dial from the directive to a connection that is secure: name, address, connection, handshake, and the handshake
/// again with the next secret if the newest is not known there yet.
final class PeerDial {
    let id: ConnectionID
    let node: RosterNode
    /// For all of it.
    let deadline: UInt64
    /// Which secret is offered.
    var place = 0
    var address: SocketAddress?
    var step = Step.resolving

    enum Step {
        case resolving
        case connecting(TCPDial)
        case securing(PeerConnection)
    }

    init(_ id: ConnectionID, _ node: RosterNode, deadline: UInt64) {
        self.id = id
        self.node = node
        self.deadline = deadline
    }

    func cancel() {
        switch step {
        case .resolving: break
        case .connecting(let dial): dial.cancel()
        case .securing(let connection): connection.close()
        }
    }
}

extension PeerLinks {
    func dial(_ id: ConnectionID, _ node: RosterNode) {
        let dial = PeerDial(id, node, deadline: loop.monotonicNow + settings.dialTime)
        dials[id] = dial
        setTimer()
        if let address = try? SocketAddress(parsing: node.peerAddress) {
            connect(dial, to: address)
        } else {
            resolve(node.peerAddress, for: id)
        }
    }

    /// Asks the system's resolver, once for all who wait for the same name: it may take as long as it likes.
    private func resolve(_ name: String, for id: ConnectionID) {
        resolving[name, default: []].append(id)
        guard resolving[name]?.count == 1 else { return }
        loop.offload {
            try? SocketAddress(resolving: name)
        } completion: { [self] address in
            for id in resolving.removeValue(forKey: name) ?? [] {
                guard let dial = dials[id] else { continue }
                if let address { connect(dial, to: address) } else { fail(id, .unreachable) }
            }
        }
    }

    private func connect(_ dial: PeerDial, to address: SocketAddress) {
        dial.address = address
        let now = loop.monotonicNow
        let time = dial.deadline > now ? dial.deadline - now : 0
        let id = dial.id
        let attempt = TCPDial(loop: loop, to: address, time: time) { [self] result in
            switch result {
            case .success(let connection): secure(connection, id)
            case .failure(let error): fail(id, error.isRefused ? .refused : error.isTimedOut ? .timedOut : .unreachable)
            }
        }
        dial.step = .connecting(attempt)
    }

    private func secure(_ connection: TCPConnection, _ id: ConnectionID) {
        guard let dial = dials[id] else { return connection.close() }
        let end = PeerConnection(id, connection, of: self, stage: .dialling, deadline: dial.deadline)
        connection.handler = end
        dial.step = .securing(end)
        connection.startReading()
        guard let keys else { return connected(end) }
        connection.secure(keys.client, time: settings.dialTime, secret: dial.place)
    }

    /// The peer has proved to know the secret, if there is one.
    func connected(_ connection: PeerConnection) {
        dials[connection.id] = nil
        open[connection.id] = connection
        connection.open()
        step(.connected(connection.id))
        noteIfOutdated(connection)
    }

    /// The peer may not know the newest secret yet: the next one is tried, on another connection.
    func handshakeFailed(_ connection: PeerConnection) {
        guard let dial = dials[connection.id] else { return }
        dial.place += 1
        guard let keys, dial.place < keys.secrets.count, let address = dial.address else {
            return fail(dial.id, .handshake)
        }
        connect(dial, to: address)
    }

    func fail(_ id: ConnectionID, _ failure: DialFailure) {
        guard let dial = dials.removeValue(forKey: id) else { return }
        dial.cancel()
        step(.dialFailed(id, failure))
    }
}
