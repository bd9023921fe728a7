import Services
import Synchronization

/// What the answer of one batch may still grow by, shared by the loops that make its parts, and what the parts are
/// charged at until the answer is handed over. Without it a small request could name a large value a thousand times.
final class BatchAllowance: Sendable {
    /// Bytes of a batch's answer.
    static let answerMax = 16 << 20
    /// Bytes of a result beside its value, at most: its members, or its problem.
    static let resultMax = 1_024

    enum Refusal: Equatable {
        case answerTooLarge
        case noMemory
    }

    private let account: MemoryAccount
    private let left: Atomic<Int>
    private let charged: Atomic<Int>

    /// Nil: there is no memory for so many results.
    init?(results: Int, account: MemoryAccount) {
        let bytes = results * Self.resultMax
        guard account.reserve(bytes) else { return nil }
        self.account = account
        left = Atomic(Self.answerMax - bytes)
        charged = Atomic(bytes)
    }

    deinit { account.release(charged.load(ordering: .relaxed)) }

    /// Room for a value that takes `bytes` in the answer; nil: it is granted.
    func take(_ bytes: Int) -> Refusal? {
        var seen = left.load(ordering: .relaxed)
        while true {
            guard bytes <= seen else { return .answerTooLarge }
            let (exchanged, original) = left.weakCompareExchange(
                expected: seen, desired: seen - bytes, ordering: .relaxed)
            if exchanged { break }
            seen = original
        }
        guard account.reserve(bytes) else {
            left.wrappingAdd(bytes, ordering: .relaxed)
            return .noMemory
        }
        charged.wrappingAdd(bytes, ordering: .relaxed)
        return nil
    }
}
