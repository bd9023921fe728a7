/// What one loop counts of the commands that its clients call, but for the calls themselves, which `RESPLoopServer`
/// counts. Used on its loop.
///
/// A command is counted where it came in, wherever its keys are. Time is added up only for commands that are measured
/// (`Command.isMeasured`).
final class CommandStatistics: @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    /// Since the start of the node; without calls.
    private(set) var counts: CommandCounts

    init(rows: Int) {
        counts = CommandCounts(rows: rows)
    }

    func add(microseconds: UInt64, to row: Int) { counts.rows[row].microseconds &+= microseconds }

    /// A command was run and came to nothing.
    func countFailure(_ error: CommandError, of row: Int) {
        counts.rows[row].failed &+= 1
        count(error)
    }

    /// A command was not begun; nil: there is no such command.
    func countRejection(_ error: CommandError, of row: Int?) {
        if let row { counts.rows[row].rejected &+= 1 }
        count(error)
    }

    private func count(_ error: CommandError) { counts.errors[error.code, default: 0] &+= 1 }
}

/// Counts of commands by their row in the table, and of errors by their code.
struct CommandCounts: Sendable {
    struct Row: Sendable {
        var calls: UInt64 = 0
        /// Of the calls that were measured.
        var microseconds: UInt64 = 0
        /// Not begun: a wrong number of words, or not allowed.
        var rejected: UInt64 = 0
        var failed: UInt64 = 0

        var isEmpty: Bool { calls == 0 && rejected == 0 }
    }

    var rows: [Row]
    /// The codes are those of `CommandError`: a few.
    var errors: [String: UInt64] = [:]

    init(rows: Int) {
        self.rows = Array(repeating: Row(), count: rows)
    }

    var calls: UInt64 { rows.reduce(0) { $0 &+ $1.calls } }
    var errorCount: UInt64 { errors.values.reduce(0, &+) }

    mutating func add(_ other: CommandCounts) {
        for index in rows.indices { rows[index] = Self.combine(rows[index], other.rows[index], &+) }
        errors.merge(other.errors, uniquingKeysWith: &+)
    }

    func since(_ base: CommandCounts) -> CommandCounts {
        var result = self
        for index in rows.indices { result.rows[index] = Self.combine(rows[index], base.rows[index], &-) }
        for (code, count) in base.errors { result.errors[code] = (errors[code] ?? 0) &- count }
        result.errors = result.errors.filter { $0.value > 0 }
        return result
    }

    private static func combine(_ one: Row, _ other: Row, _ operation: (UInt64, UInt64) -> UInt64) -> Row {
        Row(
            calls: operation(one.calls, other.calls),
            microseconds: operation(one.microseconds, other.microseconds),
            rejected: operation(one.rejected, other.rejected), failed: operation(one.failed, other.failed))
    }
}

extension CommandError {
    /// Its first word.
    var code: String { String(text.prefix { $0 != " " }) }
}
