import Synchronization

/// Lets a thread wait for the code that its process is to exit with.
package final class ExitSignal: Sendable {
    private let code = Atomic<Int32>(0)
    private let signal = OnceSignal()

    package init() {}

    /// The first code counts, unless a later call comes before the waiting thread has seen it.
    package func signal(code: Int32) {
        self.code.store(code, ordering: .releasing)
        signal.signal()
    }

    package func wait() -> Int32 {
        signal.wait()
        return code.load(ordering: .acquiring)
    }
}
