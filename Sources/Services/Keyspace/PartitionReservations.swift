package import Cluster

/// Who may use the partitions of one loop while commands over several loops are under way.
///
/// Such a command asks for all its partitions of a loop at once, and goes from loop to loop in ascending order, holding
/// what it has. On one loop two requests meet in the same order in every queue, since each enters all of its queues in
/// one step; between loops nobody waits for a lower one: so there is no circle of waiting (Havender, 1968). What needs
/// one partition for a moment waits in the same queues while it is reserved.
///
/// A pure core: it names tickets, and the shell runs what belongs to them.
package struct PartitionReservations: Sendable {
    package typealias Ticket = UInt64

    private struct Request {
        let partitions: [PartitionID]
        /// Queues in which it is not the first yet.
        var behind: Int
    }

    /// Those who have or want a partition, the holder first.
    private var queues: [PartitionID: [Ticket]] = [:]
    private var requests: [Ticket: Request] = [:]

    package init() {}

    package var isEmpty: Bool { queues.isEmpty }

    package func isFree(_ partition: PartitionID) -> Bool { queues[partition] == nil }

    /// Requests that are not granted yet, and those that are.
    package var count: Int { requests.count }

    /// Asks for `partitions`, each named once. True: they are granted at once.
    package mutating func request(_ partitions: [PartitionID], _ ticket: Ticket) -> Bool {
        precondition(requests[ticket] == nil && !partitions.isEmpty, "ticket \(ticket) is used twice, or for nothing")
        var behind = 0
        for partition in partitions {
            behind += queues[partition] == nil ? 0 : 1
            queues[partition, default: []].append(ticket)
        }
        requests[ticket] = Request(partitions: partitions, behind: behind)
        return behind == 0
    }

    /// Ends a request that was granted. Returns those that are granted now, in the order of their asking.
    package mutating func release(_ ticket: Ticket) -> [Ticket] {
        guard let request = requests.removeValue(forKey: ticket), request.behind == 0 else {
            preconditionFailure("ticket \(ticket) holds nothing")
        }
        var granted: [Ticket] = []
        for partition in request.partitions {
            guard var queue = queues[partition], queue.first == ticket else {
                preconditionFailure("\(partition) is not held by ticket \(ticket)")
            }
            queue.removeFirst()
            queues[partition] = queue.isEmpty ? nil : queue
            guard let next = queue.first else { continue }
            requests[next]!.behind -= 1
            if requests[next]!.behind == 0 { granted.append(next) }
        }
        return granted
    }
}
