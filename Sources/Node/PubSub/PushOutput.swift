import Reactor
import Services

/// What one connection is sent without asking for it, as far as it has not read it.
///
/// Commands can be held up while a client does not read; messages cannot, so whoever leaves more than `outputMax` of
/// them unread is disconnected. The message on top may have any size, and replies do not count. Used on one loop.
final class PushOutput {
    let id: SubscriberID
    private let connection: TCPConnection
    private unowned let hub: PubSubHub
    /// Bytes pushed and not written, those that are shared with others included.
    private(set) var unread = 0
    /// The part of `unread` that was copied, and is charged to the node's backlog.
    private var copied = 0
    private var isEnded = false

    /// The part of `unread` that others may share.
    var sharedUnread: Int { max(0, unread - copied) }

    /// So much is written at once instead of at the end of the turn, which may bring many messages.
    private static let gatheredMax = 16 << 10

    /// Made by `PubSubHub.openOutput`.
    init(id: SubscriberID, connection: TCPConnection, hub: PubSubHub) {
        self.id = id
        self.connection = connection
        self.hub = hub
    }

    /// Sends what `write` writes, `sharedCount` bytes of which are blobs. False: the client has left too much unread
    /// and is disconnected.
    @discardableResult
    func push(sharedCount: Int = 0, _ write: (OutputBuffer) -> Void) -> Bool {
        guard connection.isOpen, !isEnded else { return false }
        settle()
        guard unread <= hub.outputMax else {
            drop()
            return false
        }
        let output = connection.output
        let before = output.remaining
        write(output)
        let added = output.remaining - before
        unread += added
        charge(added - sharedCount)
        connection.resumeAtEndOfTurn()
        if added + before > Self.gatheredMax { writeNow() }
        return true
    }

    /// Forgets what was written meanwhile. To be called when output was drained and when deadlines are looked at.
    func settle() {
        guard unread > 0 else { return }
        let backlog = connection.backlog
        unread = min(unread, backlog)
        if copied > backlog { charge(backlog - copied) }
    }

    func writeNow() {
        connection.writeNow()
        settle()
    }

    /// The connection was closed, or gets no messages any more.
    func end() {
        guard !isEnded else { return }
        isEnded = true
        unread = 0
        charge(-copied)
        hub.didEnd(self)
    }

    /// Disconnects a client that reads too slowly.
    func drop() {
        hub.countDropped()
        connection.close()
        end()
    }

    private func charge(_ bytes: Int) {
        copied += bytes
        hub.charge(bytes)
    }
}
