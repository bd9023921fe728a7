/// The state of the network between machines, one way at a time.
///
/// Faults overlap, so each contributes what it does and takes it back when it ends: a path is open when nobody cuts it.
struct NetworkPaths {
    struct Path {
        var cuts = 0
        /// Microseconds on top of the usual.
        var delay: UInt64 = 0
        var lossPermille: UInt64 = 0

        var isImpaired: Bool { cuts > 0 || delay > 0 || lossPermille > 0 }
    }

    let machineCount: Int
    private var paths: [Path]
    /// Since when each pair has had nothing that could delay a message noticeably; the pair is stored with the lower
    /// machine first.
    private var impairedUntil: [SimulatedTime]

    init(machineCount: Int) {
        self.machineCount = machineCount
        paths = Array(repeating: Path(), count: machineCount * machineCount)
        impairedUntil = Array(repeating: .zero, count: machineCount * machineCount)
    }

    subscript(from source: Int, to target: Int) -> Path {
        get { paths[source * machineCount + target] }
        set { paths[source * machineCount + target] = newValue }
    }

    func isOpen(from source: Int, to target: Int) -> Bool {
        self[from: source, to: target].cuts == 0
    }

    mutating func noteImpaired(_ first: Int, _ second: Int, until time: SimulatedTime) {
        let place = min(first, second) * machineCount + max(first, second)
        impairedUntil[place] = max(impairedUntil[place], time)
    }

    /// Since when all has been well between two machines. Nil: it is not.
    func wellSince(_ first: Int, _ second: Int, at now: SimulatedTime) -> SimulatedTime? {
        guard !self[from: first, to: second].isImpaired, !self[from: second, to: first].isImpaired else { return nil }
        let since = impairedUntil[min(first, second) * machineCount + max(first, second)]
        return since <= now ? since : nil
    }
}
