import Reactor
import Services

/// What large replies cost while their client has not read them.
///
/// What is copied into the output is not charged as long as it is little: a connection may have a mebibyte of it at any
/// time. More than that, which one command can ask for, is charged to the budget of the cache until it is written.
extension RESPConnection {
    private static let unchargedReplyMax = 1 << 20

    /// `reply`, for which memory is charged then; an error if there is none.
    func charged(_ reply: Reply) -> Reply { charge(reply) ? reply : .error(.outOfMemory) }

    /// The replies of a transaction that was done. Without memory for them those that hold no strings are kept.
    func charged(_ replies: [Reply]) -> Reply {
        let reply = Reply.array(replies)
        guard !charge(reply) else { return reply }
        return .array(replies.map { $0.copiedBytes == 0 ? $0 : .error(.outOfMemory) })
    }

    private func charge(_ reply: Reply) -> Bool {
        let bytes = reply.copiedBytes
        guard bytes > Self.unchargedReplyMax, connection.isOpen else { return true }
        guard server.budget.reserve(bytes) else { return false }
        replyCharge += bytes
        return true
    }

    /// Gives back what was written meanwhile. To be called when output was drained and when deadlines are looked at.
    func settleReplies(unread: Int) {
        guard replyCharge > 0 else { return }
        let left = min(replyCharge, unread)
        server.budget.release(replyCharge - left)
        replyCharge = left
    }
}

extension RESPWriter {
    /// The value of an entry.
    func write(_ entry: borrowing CacheEntry) {
        if let blob = entry.blob { bulk(blob) } else { bulk(entry.value) }
    }
}
