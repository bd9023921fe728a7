import Services

/// Somebody on this loop who gets messages: a connection of the Redis protocol, or a stream of events over HTTP.
///
/// It tells its `PubSubHub` to `leave` when it ends. What it sends goes through a `PushOutput`, which bounds what it
/// leaves unread. All calls come on its loop.
protocol Subscriber: AnyObject {
    /// From `NodeContext.makeClientID`.
    var subscriberID: SubscriberID { get }
    /// A message to a channel that it subscribed, or that matches `pattern`, which it subscribed. It may end within
    /// this call.
    func deliver(_ message: PublishedMessage, pattern: [UInt8]?)
}

/// Somebody on this loop who is shown every command (MONITOR).
protocol CommandMonitor: AnyObject {
    /// From `NodeContext.makeClientID`.
    var subscriberID: SubscriberID { get }
    /// A command as a line of text without its end. It may end within this call.
    func show(_ line: [UInt8])
    /// Its loop does not keep up: it is to be disconnected.
    func drop()
}
