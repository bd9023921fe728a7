import Glibc

/// A value that threads share, and a way to wait until it is as it should be.
///
/// A POSIX mutex and condition, because ThreadSanitizer on Linux does not see Swift's own and would report false races.
@safe
package final class Monitor<Value>: @unchecked Sendable {
    // The value is touched under the mutex only.

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private var value: Value

    package init(_ value: Value) {
        self.value = value
        unsafe mutex = .allocate(capacity: 1)
        unsafe changed = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(changed, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(mutex)
        unsafe changed.deallocate()
        unsafe mutex.deallocate()
    }

    @discardableResult
    package func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer {
            unsafe pthread_cond_broadcast(changed)
            unsafe pthread_mutex_unlock(mutex)
        }
        return body(&value)
    }

    package var now: Value { withLock { $0 } }

    /// Waits until the value is as `isMet` wants it. False: it was not within `seconds`.
    package func wait(seconds: Int = Deadline.seconds, until isMet: (Value) -> Bool) -> Bool {
        var limit = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &limit)
        limit.tv_sec += seconds
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while !isMet(value) {
            guard unsafe pthread_cond_timedwait(changed, mutex, &limit) == 0 else { return isMet(value) }
        }
        return true
    }
}

/// How long a test waits for what must come. It is never waited out when all is well.
package enum Deadline {
    package static let seconds = 60

    /// Waits until `isMet`, asking again and again and letting other threads run in between.
    package static func waitUntil(_ isMet: () -> Bool) -> Bool {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        let end = now.tv_sec + seconds
        while now.tv_sec <= end {
            if isMet() { return true }
            sched_yield()
            unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        }
        return isMet()
    }
}
