import CLibuv

/// What a new loop's thread is handed.
final class ThreadStart: Sendable {
    let loop: EventLoop
    let started: OnceSignal

    init(loop: EventLoop, started: OnceSignal) {
        self.loop = loop
        self.started = started
    }
}

/// One thread waits until another has signalled, once.
@safe
final class OnceSignal: @unchecked Sendable {
    // A semaphore is made to be shared.

    private let semaphore: UnsafeMutablePointer<uv_sem_t>

    init() {
        unsafe semaphore = .allocate(capacity: 1)
        UV.must(unsafe uv_sem_init(semaphore, 0), "uv_sem_init")
    }

    deinit {
        unsafe uv_sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    func signal() { unsafe uv_sem_post(semaphore) }
    func wait() { unsafe uv_sem_wait(semaphore) }
}

/// Carries the result of a call on a loop to the thread that waits for it.
final class WaitBox<Value: Sendable, Failure: Error>: @unchecked Sendable {
    // `result` is written before `done` is signalled and read after.

    let done = OnceSignal()
    var result: Result<Value, Failure>?
}
