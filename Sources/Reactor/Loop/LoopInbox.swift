import CLibuv

/// What other threads hand to a loop: jobs of actors pinned to it, and calls.
///
/// A double buffer under one mutex: producers append to `arriving`, the loop swaps the two and runs the other without
/// the lock. The mutex is libuv's, because ThreadSanitizer on Linux does not see Swift's own and would report false
/// races.
@safe
final class LoopInbox: @unchecked Sendable {
    // `arriving` and `isLoopAsleep` are touched under the mutex only; the rest by the loop's thread only.

    enum Item {
        case job(UnownedJob)
        case call(@Sendable () -> Void)
    }

    private let mutex: UnsafeMutablePointer<uv_mutex_t>
    private var arriving: [Item] = []
    /// The loop waits in the kernel: who appends has to wake it.
    private var isLoopAsleep = false

    /// What the current drain runs, from `next` on.
    private var running: [Item] = []
    private var next = 0

    init() {
        unsafe mutex = .allocate(capacity: 1)
        UV.must(unsafe uv_mutex_init(mutex), "uv_mutex_init")
    }

    deinit {
        unsafe uv_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Appends `item`. True: the loop sleeps, and this caller wakes it.
    func append(_ item: Item) -> Bool {
        locked {
            arriving.append(item)
            defer { isLoopAsleep = false }
            return isLoopAsleep
        }
    }

    /// The loop is about to wait for the kernel. False: there is work, so it must not.
    func fallAsleep() -> Bool {
        locked {
            isLoopAsleep = arriving.isEmpty && next == running.count
            return isLoopAsleep
        }
    }

    /// Takes up to `max` items in order of arrival and gives each to `run`; what is left stays for the next turn.
    func drain(max: Int, run: (Item) -> Void) {
        if next == running.count {
            running.removeAll(keepingCapacity: running.capacity <= Self.capacityKeptMax)
            next = 0
            locked {
                isLoopAsleep = false
                swap(&running, &arriving)
            }
        }
        let end = min(running.count, next + max)
        while next < end {
            next += 1
            run(running[next - 1])
        }
    }

    /// A burst may grow the buffers; above this many items they shrink again.
    private static let capacityKeptMax = 16_384

    private func locked<Result>(_ body: () -> Result) -> Result {
        unsafe uv_mutex_lock(mutex)
        defer { unsafe uv_mutex_unlock(mutex) }
        return body()
    }
}
