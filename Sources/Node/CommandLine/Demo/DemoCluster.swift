import Reactor

/// The nodes of a demo while they run: starts them, waits until they are ready, and stops them when it is told to.
final class DemoCluster: @unchecked Sendable {
    // Used on its loop, but for `init` and `run`, which wait for calls on it.

    private let plan: DemoPlan
    private let program: String
    private let file: String
    private let arguments: [String]
    private let loop: EventLoop
    private let end = ExitSignal()
    private var children: [ChildProcess?]
    private var state = State.starting
    /// What the demo ends with.
    private var code: Int32 = 0
    private var waitsForAnswer: Set<Int> = []
    private var readyNodes: Set<Int> = []
    private var poll: LoopTimer?
    private var startedAt: UInt64 = 0

    private enum State {
        case starting, serving, stopping
    }

    /// Milliseconds: between two looks at a node that starts, for one answer, and until it is given up.
    private static let pollInterval: UInt64 = 25
    private static let answerTime = 1_000
    private static let startTime: UInt64 = 30_000

    /// `program` is run with `arguments` for each node of the settings `file`.
    init(_ plan: DemoPlan, program: String, file: String, arguments: [String]) throws {
        self.plan = plan
        self.program = program
        self.file = file
        self.arguments = arguments
        children = plan.nodes.map { _ in nil }
        loop = try EventLoop(index: 0)
    }

    /// Runs the nodes until they have ended, and returns the exit code.
    func run() -> Int32 {
        HostProcess.ignoreBrokenPipes()
        loop.wait { [self] in
            for name in [LoopSignal.Name.terminate, .interrupt] {
                _ = LoopSignal(loop: loop, name: name) { [self] in stop() }
            }
            start()
        }
        return end.wait()
    }

    // MARK: Starting

    private func start() {
        startedAt = loop.monotonicNow
        for index in plan.nodes.indices {
            do {
                children[index] = try startNode(index)
            } catch {
                say("\(error)")
                return fail(code: 1)
            }
        }
        let poll = LoopTimer(loop: loop) { [self] in look() }
        poll.start(after: Self.pollInterval, every: Self.pollInterval)
        self.poll = poll
    }

    private func startNode(_ index: Int) throws -> ChildProcess {
        let id = plan.nodes[index].id
        let style = HostProcess.isTerminal(descriptor: 2) ? NodeLogHandler.Style.text : .json
        let words = [
            "start", "--config", file, "--node", id, "--parent", "\(HostProcess.identifier)", "--log", style.rawValue,
        ]
        return try ChildProcess(loop: loop, program: program, arguments: words + arguments) { source, line in
            // Where a node listens is what the demo says itself, of all.
            if source == .errors { HostProcess.writeToStandardError("\(id) | \(line)\n") }
        } onEnd: { [self] how in
            ended(index, how)
        }
    }

    /// Asks each node that is not known to be ready whether it is.
    private func look() {
        guard state == .starting else { return }
        guard loop.monotonicNow - startedAt < Self.startTime else {
            say("not all nodes were ready within \(Self.startTime / 1_000) s")
            return fail(code: 1)
        }
        for (index, node) in plan.nodes.enumerated() where !readyNodes.contains(index) {
            guard waitsForAnswer.insert(index).inserted else { continue }
            var request = HTTPTransfer.Request("GET", plan.url(of: node) + "/readyz")
            request.timeout = Self.answerTime
            let question = request
            loop.offload {
                (try? HTTPTransfer.perform(question))?.status == 200
            } completion: { [self] isReady in
                waitsForAnswer.remove(index)
                if isReady { nodeIsReady(index) }
            }
        }
    }

    private func nodeIsReady(_ index: Int) {
        readyNodes.insert(index)
        guard state == .starting, readyNodes.count == plan.nodes.count else { return }
        state = .serving
        poll?.close()
        poll = nil
        HostProcess.writeToStandardOutput(
            plan.welcome(processes: children.map { $0?.identifier ?? 0 }, file: file))
    }

    // MARK: Ending

    private func ended(_ index: Int, _ how: ChildProcess.End) {
        children[index] = nil
        let id = plan.nodes[index].id
        switch state {
        case .starting:
            say("\(id) \(how) before it was ready")
            // 2: its settings are wrong.
            fail(code: how == .exited(code: 2) ? 2 : 1)
        case .serving:
            say("\(id) \(how). To start it again: \(program) start --config \(file) --node \(id)")
            code = 1
        case .stopping:
            if how != .exited(code: 0) { code = max(code, 1) }
        }
        if children.allSatisfy({ $0 == nil }) { end.signal(code: code) }
    }

    private func fail(code: Int32) {
        self.code = max(self.code, code)
        stopAll(.terminate)
    }

    /// The first time the nodes drain, the second time they end at once.
    private func stop() {
        if state == .stopping { return stopAll(.kill) }
        // Nodes that ended before were meant to.
        code = 0
        stopAll(.terminate)
    }

    private func stopAll(_ signal: ChildProcess.Signal) {
        state = .stopping
        poll?.close()
        poll = nil
        for child in children { child?.send(signal) }
        if children.allSatisfy({ $0 == nil }) { end.signal(code: code) }
    }

    private func say(_ text: String) {
        HostProcess.writeToStandardError("tribe: \(text)\n")
    }
}
