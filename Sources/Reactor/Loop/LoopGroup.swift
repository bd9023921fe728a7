/// The event loops of a node.
package final class LoopGroup: Sendable {
    package let loops: [EventLoop]

    /// Starts `count` loops. Throws when the process has no room for them.
    package init(count: Int) throws {
        precondition(count > 0, "a group needs a loop")
        loops = try (0..<count).map { try EventLoop(index: $0) }
        for loop in loops {
            loop.execute { loop.watchLag() }
        }
    }

    /// Calls `body` on each loop, and `completion` on `loop` with the results in the order of the loops.
    package func gather<Value: Sendable>(
        on loop: EventLoop, _ body: @escaping @Sendable (EventLoop) -> Value,
        completion: @escaping @Sendable ([Value]) -> Void
    ) {
        let gathering = Gathering<Value>(count: loops.count, completion: completion)
        for source in loops {
            source.execute {
                let value = body(source)
                loop.execute { gathering.add(value, at: source.index) }
            }
        }
    }

    /// Ends the loops once their handles are closed. From a thread that is none of theirs.
    package func stopAndJoin() {
        for loop in loops { loop.stopAndJoin() }
    }
}

/// Collects one value of each loop; used on one loop.
private final class Gathering<Value: Sendable>: @unchecked Sendable {
    // Only the gathering loop touches it.

    private var values: [Value?]
    private var missing: Int
    private let completion: @Sendable ([Value]) -> Void

    init(count: Int, completion: @escaping @Sendable ([Value]) -> Void) {
        values = Array(repeating: nil, count: count)
        missing = count
        self.completion = completion
    }

    func add(_ value: Value, at index: Int) {
        values[index] = value
        missing -= 1
        if missing == 0 { completion(values.compactMap(\.self)) }
    }
}
