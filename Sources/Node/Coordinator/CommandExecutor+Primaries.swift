import Cluster
import Reactor
import Services

// Commands on a node that has replicas: each goes to the primary of its keys' partition. Those that do with every key
// the same go in parts to the primaries of several; all others have their keys in one partition once there is more than
// one node.

extension CommandExecutor {
    /// Whether a command over these keys, all of them on this loop, may be run here and now.
    func mayRunHere(_ command: Command, _ keys: StrideThrough<Int>, _ arguments: Arguments) -> Bool {
        guard let coordinator else { return true }
        guard command.flags.contains(.readonly) else { return false }
        return keys.allSatisfy { coordinator.mayRead(shard.partition(of: arguments[$0])) }
    }

    func runAtPrimaries(
        _ command: Command, _ list: ArgumentList, completion: @escaping @Sendable (Reply) -> Void
    ) {
        let arguments = list.arguments
        let keys = command.keys.places(in: arguments.count)
        var partitions: Set<PartitionID> = []
        for place in keys { partitions.insert(shard.partition(of: arguments[place])) }
        if partitions.count == 1, let partition = partitions.first {
            let isRead = command.flags.contains(.readonly)
            submit(partition, isRead: isRead, CommandWork(command, list)) { completion(Reply($0)) }
        } else if coordinator?.replicas.isAlone ?? true {
            runOverLoops(command, list, completion: completion)
        } else {
            runInParts(command, list, completion: completion)
        }
    }

    private func runInParts(
        _ command: Command, _ list: ArgumentList, completion: @escaping @Sendable (Reply) -> Void
    ) {
        let split: CommandSplit?
        do throws(CommandError) {
            split = try CommandSplit(command, list) { shard.partition(of: $0) }
        } catch {
            return completion(.error(error))
        }
        guard let split else { return completion(.error(.crossSlot)) }
        let replies = SplitReplies(split, completion: completion)
        let isRead = command.flags.contains(.readonly)
        for (index, share) in split.shares.enumerated() {
            submit(share.partition, isRead: isRead, CommandWork(command, share.words)) {
                replies.add(Reply($0), of: index)
            }
        }
    }

    /// Has `work` done by the primary of `partition` and calls `completion` here, later, once.
    private func submit(
        _ partition: PartitionID, isRead: Bool, _ work: any CoordinatedWork,
        completion: @escaping @Sendable (Forwarder.Ending) -> Void
    ) {
        let (owner, home) = (node.group.loops[node.cache.loopIndex(of: partition)], loop)
        let time = node.live.requestTime
        owner.executeHereOrThere {
            guard let coordinator = LoopParts.of(owner).executor.coordinator else {
                preconditionFailure("loop \(owner.index) has no replicas")
            }
            coordinator.submit(partition, isRead: isRead, time: time, work) { ending in
                home.executeHereOrThere { completion(ending) }
            }
        }
    }
}

// MARK: - Transactions

extension CommandExecutor {
    /// Runs commands as one, with nothing in between, if the watched keys have these versions. Calls `completion` here,
    /// now or later, once, with the time (ns) that each command took; 0: it was not measured.
    func transact(
        _ commands: [QueuedCommand], _ watched: [WatchedKey], _ requester: Requester,
        completion: @escaping @Sendable (_ outcome: Transaction.Outcome, _ times: [UInt64]) -> Void
    ) {
        let partitions = coordinator == nil ? [] : partitions(of: commands, watched)
        guard let coordinator, !coordinator.replicas.isAlone, !partitions.isEmpty || asksNode(commands) else {
            let work = Transaction(commands, watched: watched, requester, executor: self)
            return work.run { completion($0, work.times) }
        }
        guard !asksNode(commands) else { return completion(.refused(.notInTransaction), []) }
        guard partitions.count == 1, let partition = partitions.first else {
            return completion(.refused(.crossSlot), [])
        }
        let keyed = commands.filter { $0.command.isKeyed }
        submit(partition, isRead: false, CommandWork(transaction: keyed, watched: watched)) { [self] ending in
            let times = commands.map { _ in UInt64(0) }
            completion(outcome(of: commands, requester, Reply(ending)), times)
        }
    }

    private func asksNode(_ commands: [QueuedCommand]) -> Bool {
        commands.contains { if case .node = $0.command.handler { true } else { false } }
    }

    private func partitions(of commands: [QueuedCommand], _ watched: [WatchedKey]) -> Set<PartitionID> {
        var partitions = Set(watched.map { shard.partition(of: $0.key.span) })
        for queued in commands {
            let arguments = queued.list.arguments
            for place in queued.command.keys.places(in: arguments.count) {
                partitions.insert(shard.partition(of: arguments[place]))
            }
        }
        return partitions
    }

    /// Puts the replies of the commands about keys among those of the others, which are run here.
    private func outcome(
        of commands: [QueuedCommand], _ requester: Requester, _ reply: Reply
    ) -> Transaction.Outcome {
        switch reply {
        case .nullArray: return .watchedKeyChanged
        case .error(let error): return .refused(error)
        case .array(let replies):
            var keyed = replies.makeIterator()
            let all = commands.map { queued in
                guard case .local(let handler) = queued.command.handler else {
                    return keyed.next() ?? .error(.peerUnreadable)
                }
                return Self.reply { () throws(CommandError) in try handler(context(requester), queued.list.arguments) }
            }
            return .done(all)
        case .ok, .status, .line, .integer, .bytes, .text, .blob, .slice, .double, .null, .map, .set, .verbatim:
            return .refused(.peerUnreadable)
        }
    }

    /// Reads the versions of `keys`, for WATCH, and calls `completion` here, now or later, once.
    func watch(_ keys: [[UInt8]], completion: @escaping @Sendable (Result<[WatchedKey], CommandError>) -> Void) {
        guard let coordinator, !coordinator.replicas.isAlone else {
            return versions(of: keys) { completion(.success($0)) }
        }
        let partitions = Set(keys.map { shard.partition(of: $0.span) })
        guard partitions.count == 1, let partition = partitions.first else { return completion(.failure(.crossSlot)) }
        submit(partition, isRead: false, WatchWork(keys)) { ending in
            completion(Self.watched(keys, ending))
        }
    }

    private static func watched(_ keys: [[UInt8]], _ ending: Forwarder.Ending) -> Result<[WatchedKey], CommandError> {
        guard case .answered(.done(let outcome)) = ending else {
            if case .error(let error) = Reply(ending) { return .failure(error) }
            return .failure(.peerUnreadable)
        }
        guard let versions = try? WatchWork.versions(outcome.bytes, count: keys.count) else {
            return .failure(.peerUnreadable)
        }
        return .success(zip(keys, versions).map { WatchedKey(key: $0, version: $1) })
    }
}

extension CommandError {
    static let notInTransaction = CommandError(
        "ERR commands that look at all keys are not part of a transaction once there is more than one node")
}
