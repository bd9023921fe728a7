import Logging
import Reactor

/// The certificate of a node's two ports, for all its loops: replaced while the node runs, with new keys for session
/// tickets now and then. Its state belongs to the first loop.
///
/// What is in force is a value that each loop is sent. Connections keep the one that they began with, and a pair of
/// files that cannot be used changes nothing.
final class NodeTLS: @unchecked Sendable {
    // `context` and `timer` are used on the first loop only, all else is set before `init` returns.

    private let group: LoopGroup
    private let server: HTTPServer
    private let logger: Logger
    /// Nil: connections are plain.
    private var context: TLSContext?
    private var timer: LoopTimer?

    private var loop: EventLoop { group.loops[0] }

    /// What the settings ask for; nil: no TLS. Reads files: not on a loop. Throws what is wrong with them.
    static func load(_ settings: TLSSettings) throws(TLSFault) -> TLSContext? {
        guard let files = settings.files else { return nil }
        return try TLSContext.load(files, minVersion: settings.versionMin)
    }

    /// `context`: what the ports have been opened with. From a thread that is no loop.
    init(group: LoopGroup, server: HTTPServer, context: TLSContext?, logger: Logger) {
        self.group = group
        self.server = server
        self.context = context
        self.logger = logger
        if let context { log(context) }
        loop.wait { [self] in
            let timer = LoopTimer(loop: loop) { [unowned self] in renewTicketKeys() }
            timer.start(after: TLSTicketKeys.rotationTime, every: TLSTicketKeys.rotationTime)
            self.timer = timer
        }
    }

    /// Puts what was loaded in force for the connections to come. On the first loop.
    func adopt(_ loaded: TLSContext?) {
        if let loaded { log(loaded) } else if context != nil { logger.info("TLS is off") }
        // Sessions of the old certificate can be resumed.
        let next =
            if let loaded, let keys = context?.ticketKeys { loaded.with(keys) } else { loaded }
        publish(next)
    }

    private func renewTicketKeys() {
        guard let context, let keys = context.ticketKeys else { return }
        publish(context.with(keys.rotated()))
    }

    private func publish(_ next: TLSContext?) {
        context = next
        server.use(next)
        for loop in group.loops {
            loop.execute { LoopParts.of(loop).resp.tls = next }
        }
    }

    private func log(_ context: TLSContext) {
        guard let certificate = context.certificate else { return }
        let isOver = certificate.expiresAt < HostProcess.wallMilliseconds
        let expires = Timestamp(milliseconds: certificate.expiresAt)
        logger.log(
            level: isOver ? .warning : .info, isOver ? "the certificate has expired" : "certificate loaded",
            metadata: ["subject": "\(certificate.subject)", "expires": "\(expires.rfc3339.text)"])
    }
}
