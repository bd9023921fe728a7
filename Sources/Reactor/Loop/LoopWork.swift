import CLibuv

extension EventLoop {
    /// Does `work`, which may block, on a thread of libuv's pool, and then `completion` on this loop with what it came
    /// to. On the loop.
    package func offload<Value: Sendable>(
        _ work: @escaping @Sendable () -> Value, completion: @escaping (Value) -> Void
    ) {
        assertInLoop()
        let box = WorkBox<Value>()
        let request = LoopWork(
            work: { box.value = work() },
            completion: {
                guard let value = box.value else { preconditionFailure("work that came to nothing") }
                completion(value)
            })
        request.submit(to: self)
    }
}

private final class WorkBox<Value: Sendable>: @unchecked Sendable {
    // Written on the pool's thread before the loop is told, read on the loop after.

    var value: Value?
}

/// One piece of work in libuv's pool.
@safe
private final class LoopWork {
    private let work: @Sendable () -> Void
    private let completion: () -> Void

    init(work: @escaping @Sendable () -> Void, completion: @escaping () -> Void) {
        self.work = work
        self.completion = completion
    }

    func submit(to loop: EventLoop) {
        let request = UnsafeMutablePointer<uv_work_t>.allocate(capacity: 1)
        unsafe request.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        let status = unsafe uv_queue_work(
            loop.uv, request,
            { request in
                unsafe Unmanaged<LoopWork>.fromOpaque(request!.pointee.data).takeUnretainedValue().work()
            },
            { request, _ in
                let work = unsafe Unmanaged<LoopWork>.fromOpaque(request!.pointee.data).takeRetainedValue()
                unsafe request!.deallocate()
                work.completion()
            })
        UV.must(status, "uv_queue_work")
    }
}
