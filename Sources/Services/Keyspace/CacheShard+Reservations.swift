package import Cluster

/// Reservations of partitions by commands over several loops. All on the shard's loop.
extension CacheShard {
    /// Whether any partition of this loop is reserved. Almost never: what is asked before each access by a key.
    package nonisolated var hasReservations: Bool { box.hasReservations }

    package nonisolated func isReserved(_ key: Span<UInt8>) -> Bool {
        box.hasReservations && !box.reservations.isFree(PartitionID(of: key, seed: seed))
    }

    package nonisolated func isReserved(_ partition: PartitionID) -> Bool {
        box.hasReservations && !box.reservations.isFree(partition)
    }

    /// Reserves `partitions` of this loop, each named once, and calls `granted` with a ticket for `release`, now or
    /// later.
    package func reserve(
        _ partitions: [PartitionID],
        granted: @escaping @Sendable (isolated CacheShard, PartitionReservations.Ticket) -> Void
    ) {
        latestTicket += 1
        let ticket = latestTicket
        box.hasReservations = true
        if box.reservations.request(partitions, ticket) {
            granted(self, ticket)
        } else {
            parked[ticket] = { granted($0, ticket) }
        }
    }

    package func release(_ ticket: PartitionReservations.Ticket) {
        let granted = box.reservations.release(ticket)
        box.hasReservations = !box.reservations.isEmpty
        for ticket in granted {
            guard let run = parked.removeValue(forKey: ticket) else {
                preconditionFailure("nobody waits for \(ticket)")
            }
            run(self)
        }
    }

    /// Runs `body`, which needs `partitions` for as long as it takes: now, or once they are free.
    package func whenFree(_ partitions: [PartitionID], _ body: @escaping @Sendable (isolated CacheShard) -> Void) {
        guard partitions.contains(where: { !box.reservations.isFree($0) }) else { return body(self) }
        reserve(partitions) { shard, ticket in
            body(shard)
            shard.release(ticket)
        }
    }

    package nonisolated func partition(of key: Span<UInt8>) -> PartitionID { PartitionID(of: key, seed: seed) }
}
