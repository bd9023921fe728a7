/// The data directory of one machine: files that are replaced as a whole (write, sync, rename).
///
/// Until its sync is done, a write is nothing that a start would find for sure: a crash loses any of those under way,
/// in any combination, for nothing orders two files but a sync.
struct SimulatedDisk {
    private struct Write {
        let token: UInt64
        let name: String
        let bytes: [UInt8]
    }

    /// What a start finds.
    private(set) var files: [String: [UInt8]] = [:]
    /// In the order in which they were asked for, which is the order in which they are done.
    private var pending: [Write] = []
    private var lastDone = SimulatedTime.zero

    /// When the write will be done, if nothing crashes before. `duration`: microseconds of its own.
    mutating func write(
        _ token: UInt64, name: String, _ bytes: [UInt8], at now: SimulatedTime, duration: UInt64
    ) -> SimulatedTime {
        pending.append(Write(token: token, name: name, bytes: bytes))
        lastDone = max(lastDone, now).after(microseconds: duration)
        return lastDone
    }

    /// False: a crash took the write.
    mutating func complete(_ token: UInt64) -> Bool {
        guard let index = pending.firstIndex(where: { $0.token == token }) else { return false }
        let write = pending.remove(at: index)
        files[write.name] = write.bytes
        return true
    }

    /// `survives`: asked for each write under way, whether it got there just in time.
    mutating func crash(survives: () -> Bool) {
        for write in pending where survives() { files[write.name] = write.bytes }
        pending.removeAll()
        lastDone = .zero
    }

    mutating func wipe() {
        self = SimulatedDisk()
    }
}
