import Cluster
import Reactor
import Services

// Requests about one key on a node that has replicas.

extension APIService {
    private enum Place {
        case here, forbidden
        case primary(PartitionID)
    }

    /// Handles a request whose first path parameter is a key: here if that is a read and this loop may do it, else by
    /// way of the coordinator of the loop that the key belongs to.
    func respond(
        to exchange: HTTPExchange, body: Span<UInt8>, atPrimaryOfKey action: KeyedAction, _ coordinator: Coordinator
    ) {
        let (node, shard, head) = (node, shard, exchange.head)
        let query =
            action == .get && !head.query.isEmpty ? CacheQuery(head.query, allowed: CacheQuery.Name.allCases) : nil
        let isRead = action == .get && query?.refresh == nil
        let token = boundToken(of: exchange)
        let place = exchange.withKey { key in
            if let token, !token.permits(key: key) { return Place.forbidden }
            let partition = shard.partition(of: key)
            guard isRead, node.cache.loopIndex(of: partition) == loop.index, !shard.isReserved(partition),
                coordinator.mayRead(partition, isLocal: query?.isLocal ?? false)
            else { return .primary(partition) }
            shard.assumeIsolated { shard in action.answer(exchange, key, body, on: shard, node) }
            return .here
        }
        switch place {
        case .here, nil: break
        case .forbidden: if let token { exchange.respond(.forbidden, Self.isBound(token)) }
        case .primary(let partition):
            guard isRead || BrowserRules.allowChange(exchange) else { return }
            submit(exchange, body, action, partition, isRead: isRead, query)
        }
    }

    private func submit(
        _ exchange: HTTPExchange, _ body: Span<UInt8>, _ action: KeyedAction, _ partition: PartitionID, isRead: Bool,
        _ query: CacheQuery?
    ) {
        let head = exchange.head
        let time = (requestTime(of: head) ?? node.live.requestTime) + (query?.wait ?? 0)
        let acks = action == .put ? acks(of: head) : nil
        let owner = node.group.loops[node.cache.loopIndex(of: partition)]
        let isLocal = query?.isLocal ?? false
        let begin: @Sendable (HTTPExchange) -> Void = { exchange in
            guard let coordinator = LoopParts.of(owner).executor.coordinator else {
                preconditionFailure("loop \(owner.index) has no replicas")
            }
            let work = ExchangeWork(exchange: exchange, action: action)
            if isRead, coordinator.mayRead(partition, isLocal: isLocal), !coordinator.shard.isReserved(partition) {
                return coordinator.shard.assumeIsolated { shard in
                    work.run(on: shard, coordinator.node) { _ in }
                }
            }
            coordinator.submit(partition, isRead: isRead, acks: acks, time: time, work) { ending in
                exchange.respond(ending, isChange: action.isChange)
            }
        }
        if owner === loop {
            if exchange.keepBody(body) { begin(exchange) }
        } else {
            exchange.lend(to: owner, body: body, run: begin)
        }
    }

    /// The copies that a PUT asks for, as far as that can be: what cannot be the handler refuses.
    private func acks(of head: HTTPRequestHead) -> UInt8? {
        guard !head.query.isEmpty else { return nil }
        let query = CacheQuery(head.query, allowed: [.ttl, .stale, .tags, .acks])
        guard let acks = query.acks, acks < node.live.replicas else { return nil }
        return UInt8(acks)
    }
}

extension HTTPExchange {
    /// Answers with what came of a request about a key, if anybody still waits for that and has no answer.
    func respond(_ ending: Forwarder.Ending, isChange: Bool) {
        guard isAnswerable else { return }
        guard case .answered(.done(let outcome)) = ending else { return respond(Problem(ending)) }
        // It was answered where it was done, or will be.
        guard !outcome.bytes.isEmpty else { return }
        do throws(WireFault) {
            let answer = try CapturedAnswerCodec.decode(outcome.bytes)
            respond(answer) { response in
                if isChange, !answer.status.isError { outcome.writeFields(to: response) }
            }
        } catch {
            respond(Problem(.answered(.refused(.unreadable))))
        }
    }
}

extension WorkOutcome {
    func writeFields(to response: borrowing HTTPResponse) {
        response.header("X-Tribe-Copies") { output in
            output.append(decimal: Int(holding))
            output.append("/")
            output.append(decimal: Int(wanted))
        }
        if isPartial { response.headers("X-Tribe-Partial: true\r\n") }
    }
}

extension Problem {
    /// Of a request that nobody did, as far as is known.
    init(_ ending: Forwarder.Ending) {
        switch ending {
        case .answered(.refused(.notEnoughCopies)):
            self.init(.notEnoughCopies, "Fewer nodes than acks demands confirmed the write in time. It may stand.")
        case .answered(.refused(.tooFewNodes)):
            self.init(
                .notEnoughCopies,
                "acks demands more copies beyond the primary than there are other living nodes. Nothing was written.")
        case .answered(.refused(.forgotten)):
            self.init(
                .deadline,
                "The request was tried several times; what came of it is not known. It may have had its effect.")
        case .unanswered(mayStand: true):
            self.init(
                .deadline, "The primary of this key did not answer in time. The request may still have had its effect.")
        case .unanswered(mayStand: false), .answered(.reroute), .answered(.refused(.late)):
            self.init(.deadline, "No node could answer for this key in time. Nothing was changed.")
        case .full, .answered(.refused(.full)):
            self.init(.overloaded, "Too many requests for this key are under way.")
        case .answered(.refused(.tooLong)):
            self.init(
                .payloadTooLarge, "Another node has this key, and the body is longer than what goes from node to node.")
        case .stale:
            self.init(
                .overloaded,
                "This node stood still for a while, and the request may be older than it looks. Nothing "
                    + "was changed.")
        case .answered(.refused(.unreadable)), .answered(.done):
            self.init(.overloaded, "The node that has this key runs another version and did not understand.")
        }
    }
}
