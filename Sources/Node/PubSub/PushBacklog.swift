import Reactor
import Synchronization

/// What messages and lines that clients have not read yet cost the node: what was copied for each of them, by loop, and
/// payloads that they share. Clients who read too slowly are dropped when it is more than `bytesMax`.
///
/// As a budget it is charged the payloads, which count in the budget of the cache too, as every blob does.
final class PushBacklog: MemoryBudget, Sendable {
    private let most: Atomic<Int>
    private let account: any MemoryBudget
    private let copied: [SharedBytes]
    private let payloads = SharedBytes()
    /// By loop: it was asked to drop clients and has not yet looked.
    private let asked: [SharedFlag]

    /// Above this multiple of `bytesMax` no further payload is taken: dropping cannot keep up.
    private static let payloadsHardFactor = 2

    init(bytesMax: Int, loops: Int, account: any MemoryBudget) {
        most = Atomic(bytesMax)
        self.account = account
        copied = (0..<loops).map { _ in SharedBytes() }
        asked = (0..<loops).map { _ in SharedFlag() }
    }

    /// May change at any time.
    var bytesMax: Int {
        get { most.load(ordering: .relaxed) }
        set { most.store(newValue, ordering: .relaxed) }
    }

    var used: Int { copied.reduce(payloads.value) { $0 + $1.value } }

    /// Of what is copied for clients on a loop.
    func charge(_ bytes: Int, loop: Int) { copied[loop].add(bytes) }
    func copied(on loop: Int) -> Int { copied[loop].value }

    /// The loop for whose clients most is copied: there the slowest are.
    var fullestLoop: Int {
        copied.indices.max { copied[$0].value < copied[$1].value } ?? 0
    }

    /// Whether `loop` is to be asked to drop clients: it has not been asked already.
    func ask(_ loop: Int) -> Bool { asked[loop].raise() }
    func answered(_ loop: Int) { asked[loop].lower() }

    func reserve(_ bytes: Int) -> Bool {
        guard payloads.value <= bytesMax * Self.payloadsHardFactor, account.reserve(bytes) else { return false }
        payloads.add(bytes)
        return true
    }

    func release(_ bytes: Int) {
        payloads.add(-bytes)
        account.release(bytes)
    }
}

/// A sum that several loops add to.
final class SharedBytes: Sendable {
    private let bytes = Atomic<Int>(0)

    var value: Int { bytes.load(ordering: .relaxed) }
    func add(_ more: Int) { bytes.wrappingAdd(more, ordering: .relaxed) }
}

/// Raised by any loop, lowered by the one that it is for.
final class SharedFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    /// False: it was up.
    func raise() -> Bool { !flag.exchange(true, ordering: .relaxed) }
    func lower() { flag.store(false, ordering: .relaxed) }
}
