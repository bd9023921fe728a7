import DequeModule
import Reactor

/// The replies of one connection that wait for their turn, in the order of its commands. Empty nearly always: commands
/// that are answered at once write straight into the output while nothing waits.
struct ReplyOrder {
    private enum Slot {
        case waiting
        case ready(OutputBuffer, from: OutputMark, to: OutputMark)
    }

    private var slots = Deque<Slot>()
    /// The number of the first slot; slots are numbered from the first of the connection on.
    private var first = 0

    var isEmpty: Bool { slots.isEmpty }
    var count: Int { slots.count }

    /// The number of the command that is answered later.
    mutating func appendWaiting() -> Int {
        slots.append(.waiting)
        return first + slots.count - 1
    }

    /// A command that was answered before its turn.
    mutating func append(_ output: OutputBuffer, from start: OutputMark, to end: OutputMark) {
        slots.append(.ready(output, from: start, to: end))
    }

    mutating func fulfil(_ number: Int, _ output: OutputBuffer, from start: OutputMark, to end: OutputMark) {
        slots[number - first] = .ready(output, from: start, to: end)
    }

    /// Moves the replies whose turn has come into `output`.
    mutating func release(into output: OutputBuffer) {
        while case .ready(let buffer, let start, let end)? = slots.first {
            output.append(contentsOf: buffer, from: start, to: end)
            slots.removeFirst()
            first += 1
        }
    }
}
