import Cluster
import Logging
import Reactor
import Services

/// Keeps the settings that are in force, and reads them anew when it is told to, or when a file of theirs has changed.
///
/// On the first loop of the node; files are read in libuv's pool. One reading at a time: who asks meanwhile gets the
/// next one, which sees what he has written.
final class SettingsKeeper: @unchecked Sendable {
    // Used on the first loop only; other threads at most carry the reference back to it.

    private let node: NodeContext
    private let server: HTTPServer
    private let tls: NodeTLS
    private let reader: SettingsReader
    private let logger: Logger
    private var settings: NodeSettings
    private var contents: String?
    private var isReading = false
    /// Those who wait for a reading that has not begun, and why.
    private var waiting: [(cause: String, completion: @Sendable (ReloadReport) -> Void)] = []
    private var watches: [LoopFileWatch] = []
    private var watchedPaths: [String] = []
    private var settling: LoopTimer?

    /// How often files are looked at, and how long one must have been quiet (ms), so that none is read half written.
    private static let watchInterval: UInt32 = 250
    private static let quietTime: UInt64 = 100

    private var loop: EventLoop { node.group.loops[0] }
    private var cluster: NodeCluster { LoopParts.of(loop).nodeCluster }

    /// Watches from now on. On the first loop.
    init(
        _ reading: SettingsReading, _ reader: SettingsReader, node: NodeContext, server: HTTPServer, tls: NodeTLS,
        logger: Logger
    ) {
        self.node = node
        self.server = server
        self.tls = tls
        self.reader = reader
        self.logger = logger
        settings = node.settings
        contents = reading.contents
        watch()
    }

    /// Reads the settings anew and puts in force what may change; `completion` is called on the first loop.
    func reload(cause: String, completion: @escaping @Sendable (ReloadReport) -> Void) {
        loop.assertInLoop()
        waiting.append((cause, completion))
        if !isReading { read() }
    }

    /// Closes its handles.
    func close() {
        for watch in watches { watch.close() }
        watches = []
        settling?.close()
        settling = nil
    }
}

extension SettingsKeeper {
    private typealias Fresh = (reading: SettingsReading, files: NamedFiles?)

    private func read() {
        let asked = waiting
        waiting = []
        guard !asked.isEmpty else { return }
        isReading = true
        let reader = reader
        loop.offload {
            var reading = reader.read()
            guard reading.faults.isEmpty else { return Fresh(reading, nil) }
            do throws(SettingFaults) {
                return Fresh(reading, try NamedFiles(of: reading, reader.sources))
            } catch {
                reading.faults = error.all
                return Fresh(reading, nil)
            }
        } completion: { [self] fresh in
            adopt(fresh) { [self] report in
                isReading = false
                log(report, cause: asked[0].cause)
                for one in asked { one.completion(report) }
                read()
            }
        }
    }

    /// Puts in force what was read, the roster too, or nothing; then calls `completion`.
    private func adopt(_ fresh: Fresh, completion: @escaping (ReloadReport) -> Void) {
        var change = SettingsChange(
            from: settings, contents: contents, to: fresh.reading, reader.sources, memoryMax: node.cache.memoryMax)
        let roster = Roster(of: change.settings, own: node.identity.peer.id)
        let hasFile = reader.sources.file != nil
        if hasFile, !change.isRejected {
            change.judge(cluster.read(roster), fresh.reading, reader.sources)
        } else if hasFile, fresh.reading.faults.isEmpty,
            fresh.reading.settings.generation <= cluster.view.snapshot.roster.generation
        {
            // Refused already, and the cluster cannot take it over. It holds a condition until the file is mended.
            _ = cluster.read(Roster(of: fresh.reading.settings, own: node.identity.peer.id))
        }
        guard !change.isRejected else { return completion(ReloadReport(change, generation: settings.generation)) }
        let former = settings
        (settings, contents) = (change.settings, change.contents)
        putInForce(change.applied, former: former)
        fresh.files?.adopt(node, tls, logger)
        if !change.applied.isEmpty { watch() }
        let report = ReloadReport(change, generation: settings.generation)
        guard hasFile else { return completion(report) }
        // It is on the disk first. If it cannot be kept, a condition says so, and the file is as good as not reloaded.
        cluster.whenInForce(roster) { _ in completion(report) }
    }

    /// What CONFIG SET has changed stays, unless the same setting has changed now.
    private func putInForce(_ changed: [Setting], former: NodeSettings) {
        guard !changed.isEmpty else { return }
        let keys = Set(changed.map(\.key))
        var limits = settings.limits
        if keys.contains("limits.connections") {
            limits.connections = NodeRuntime.connections(
                limits.connections, descriptorLimit: node.descriptorLimit, loops: node.settings.loops, logger: logger)
            node.live.clientsMax = limits.connections
        }
        if keys.contains("cache.memory") { node.cache.account.budget = settings.memory }
        if keys.contains("cache.valueMax") { node.cache.account.valueMax = settings.valueMaxInForce }
        if keys.contains("cache.eviction") { node.adopt(settings.eviction) }
        if keys.contains(where: { $0.hasPrefix("membership") }) { cluster.adopt(settings.membership) }
        node.live.adopt(settings)
        node.pubsub.backlog.bytesMax = settings.pushBacklogMax
        server.adopt(limits)
        let adopted = settings
        for loop in node.group.loops {
            loop.executeHereOrThere { LoopParts.of(loop).adopt(adopted) }
        }
    }

    private func log(_ report: ReloadReport, cause: String) {
        var metadata: Logger.Metadata = ["cause": "\(cause)", "generation": "\(report.generation)"]
        guard report.faults.isEmpty else {
            metadata["faults"] = "\(report.faults.map(\.description).joined(separator: " | "))"
            return logger.warning("settings rejected: the old ones stay in force", metadata: metadata)
        }
        metadata["applied"] = "\(report.applied.joined(separator: " "))"
        metadata["needsRestart"] = "\(report.needsRestart.joined(separator: " "))"
        logger.info(report.isUnchanged ? "settings are in force already" : "settings reloaded", metadata: metadata)
    }

    // MARK: Watching

    private func watch() {
        let named = SettingsTable.all.filter(\.isFile).compactMap { setting -> String? in
            guard case .text(let path) = setting.value(settings) else { return nil }
            return path
        }
        let paths = [reader.sources.file].compactMap(\.self) + named
        // A new watch does not see what has changed since the file was read: those that there are go on.
        guard paths != watchedPaths else { return }
        for watch in watches { watch.close() }
        watchedPaths = paths
        watches = paths.map { path in
            LoopFileWatch(loop: loop, path: path, interval: Self.watchInterval) { [unowned self] in fileChanged() }
        }
    }

    private func fileChanged() {
        if settling == nil {
            settling = LoopTimer(loop: loop) { [unowned self] in reload(cause: "a file has changed") { _ in } }
        }
        settling?.start(after: Self.quietTime)
    }
}

/// What a reload came to, for whoever asked for it.
struct ReloadReport: Sendable {
    /// Of the settings that are in force.
    let generation: Int
    let applied: [String]
    let needsRestart: [String]
    /// None: nothing was refused.
    let faults: [SettingFault]

    init(_ change: SettingsChange, generation: Int) {
        self.generation = generation
        applied = change.applied.map(\.key)
        needsRestart = change.waiting.map(\.key)
        faults = change.faults
    }

    var isUnchanged: Bool { applied.isEmpty && needsRestart.isEmpty && faults.isEmpty }
}

extension NodeContext {
    /// What a full cache does from now on, on every loop as soon as it hears of it.
    func adopt(_ policy: CacheTable.Policy) {
        live.eviction = policy
        cache.adopt(policy)
    }
}
