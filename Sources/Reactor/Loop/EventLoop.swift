import CLibuv
import Glibc

// One thread, one `uv_loop_t`, and the executor of everything pinned to it.
//
// A turn of the loop: due timers, then sockets that became readable or writable, then the inbox (jobs and calls of
// other threads, a bounded number so that sockets get their turn), then one write for every connection that was
// answered out of its read callback. Actors whose `unownedExecutor` is the loop run here, so code on the loop may enter
// them without a hop by `assumeIsolated`.
//
// The libuv contract is kept here and in the handle wrappers beside: a handle's memory is freed in its close callback
// and nowhere else, `uv_async_send` is the only call made from another thread, and the loop is closed when the last
// handle is.

/// One event loop: a thread, a libuv loop, an executor.
@safe
package final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
    // The inbox is safe by its own mutex, `thread` is set before `init` returns; all else belongs to the loop's thread.

    /// Position in its group; partition p lives on the loop with index p % L.
    package let index: Int
    let uv: UnsafeMutablePointer<uv_loop_t>
    let inbox = LoopInbox()
    /// The thread that runs the loop, as `pthread_self` names it there.
    private var thread: pthread_t = 0
    private var threadHandle = uv_thread_t()

    /// The loop's own handles: waking, falling asleep, waking up, and not sleeping while work is left.
    private let wake: UnsafeMutablePointer<uv_async_t>
    private let prepare: UnsafeMutablePointer<uv_prepare_t>
    private let check: UnsafeMutablePointer<uv_check_t>
    private let idle: UnsafeMutablePointer<uv_idle_t>

    /// Nanoseconds to add to the monotonic time to get those since 1970. It changes only when the wall clock is set: if
    /// it wavered, `now` would go back a millisecond now and then, and what had expired would be there again.
    private var wallOffset: Int64 = 0
    /// The field lines that begin every answer, up to the id of the request; made anew each second for their `Date`.
    private var answerFields: [UInt8] = []
    private var answerSecond = 0
    /// Connections answered outside their read callback, to be flushed at the end of this turn.
    private var unflushed: [TCPConnection] = []
    /// What is to be done before that.
    private var endings: [() -> Void] = []
    private var lag: LoopLag?
    private var counts = LoopStatistics()
    /// What `arrivalNanoseconds` says; 0: it was not asked in this turn.
    private var arrival: UInt64 = 0

    /// Where sockets read into: one buffer for all connections, since each read is handled before the next.
    let readBuffer: UnsafeMutableBufferPointer<CChar>
    /// Room for TLS, made when it is first spoken.
    private(set) lazy var tlsScratch = TLSScratch()
    /// Output buffers between two uses.
    let outputPool = OutputBufferPool()
    /// Every connection of the loop, for their deadlines.
    let connections = ConnectionTable()
    /// What an upper layer keeps for this loop, to be found from a call on it.
    package var occupant: AnyObject?
    /// Told every 100 ms by how much (ms) the loop's own timer was late. On the loop.
    package var lagWatcher: ((_ lateness: UInt64) -> Void)?
    /// For request ids: unpredictable enough to be unique, seeded by the system.
    private var random = LoopRandom()

    /// One inbox item costs about a microsecond: so many keep a turn well under a millisecond or two.
    private static let inboxItemsPerTurnMax = 1_024
    static let readBufferSize = 64 * 1_024
    /// Nanoseconds by which the wall clock must differ from what is expected to count as set anew.
    private static let wallStep: Int64 = 1_000_000

    /// Starts a loop and its thread. Throws what libuv says when the process has no descriptors left.
    package init(index: Int) throws {
        self.index = index
        unsafe uv = .allocate(capacity: 1)
        unsafe wake = .allocate(capacity: 1)
        unsafe prepare = .allocate(capacity: 1)
        unsafe check = .allocate(capacity: 1)
        unsafe idle = .allocate(capacity: 1)
        unsafe readBuffer = .allocate(capacity: Self.readBufferSize)
        try UV.check(unsafe uv_loop_init(uv), "cannot create an event loop")
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe uv.pointee.data = context
        try UV.check(unsafe uv_async_init(uv, wake) { _ in }, "cannot create a loop's wake-up")
        UV.must(unsafe uv_prepare_init(uv, prepare), "uv_prepare_init")
        UV.must(unsafe uv_check_init(uv, check), "uv_check_init")
        UV.must(unsafe uv_idle_init(uv, idle), "uv_idle_init")
        UV.must(
            unsafe uv_prepare_start(prepare) { unsafe EventLoop.of($0!.pointee.loop).fallAsleep() }, "uv_prepare_start")
        UV.must(unsafe uv_check_start(check) { unsafe EventLoop.of($0!.pointee.loop).endTurn() }, "uv_check_start")
        updateWallClock()
        try startThread()
    }

    deinit {
        unsafe wake.deallocate()
        unsafe prepare.deallocate()
        unsafe check.deallocate()
        unsafe idle.deallocate()
        unsafe readBuffer.deallocate()
        unsafe uv.deallocate()
    }

    /// The loop that owns a libuv loop. The loop outlives every callback of its handles.
    static func of(_ uv: UnsafeMutablePointer<uv_loop_t>?) -> EventLoop {
        unsafe Unmanaged<EventLoop>.fromOpaque(uv!.pointee.data).takeUnretainedValue()
    }
}

// MARK: - Thread

extension EventLoop {
    private func startThread() throws {
        let started = OnceSignal()
        let box = unsafe Unmanaged.passRetained(ThreadStart(loop: self, started: started))
        let status = unsafe uv_thread_create(
            &threadHandle,
            { argument in
                let start = unsafe Unmanaged<ThreadStart>.fromOpaque(argument!).takeRetainedValue()
                start.loop.runThread(started: start.started)
            }, box.toOpaque())
        try UV.check(status, "cannot start an event loop's thread")
        started.wait()
    }

    private func runThread(started: OnceSignal) {
        thread = pthread_self()
        started.signal()
        _ = unsafe uv_run(uv, UV_RUN_DEFAULT)
        UV.must(unsafe uv_loop_close(uv), "uv_loop_close: a handle is still open")
    }

    /// Closes the loop's own handles; the thread ends when every other handle of the loop is closed too. Waits for
    /// that, so it must be called from another thread.
    package func stopAndJoin() {
        precondition(!isInLoop, "a loop cannot wait for its own end")
        execute { [self] in
            lag?.stop()
            lag = nil
            connections.close()
            unsafe uv_close(tribe_handle_of_async(wake), nil)
            unsafe uv_close(tribe_handle_of_prepare(prepare), nil)
            unsafe uv_close(tribe_handle_of_check(check), nil)
            unsafe uv_close(tribe_handle_of_idle(idle), nil)
        }
        UV.must(unsafe uv_thread_join(&threadHandle), "uv_thread_join")
    }
}

// MARK: - Turn

extension EventLoop {
    /// Last before the kernel: writes out what timers answered, and sleeps only if nothing is left to run.
    private func fallAsleep() {
        flushConnections()
        arrival = 0
        if inbox.fallAsleep() {
            unsafe uv_idle_stop(idle)
        } else {
            // An active idle handle makes libuv poll without waiting.
            unsafe uv_idle_start(idle) { _ in }
        }
    }

    /// After the sockets: runs what other threads sent, then writes out what that answered.
    private func endTurn() {
        updateWallClock()
        counts.turns &+= 1
        inbox.drain(max: Self.inboxItemsPerTurnMax, run: run)
        flushConnections()
    }

    private func run(_ item: LoopInbox.Item) {
        switch item {
        case .call(let call): call()
        case .job(let job):
            unsafe job.runSynchronously(
                isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        }
    }

    private func flushConnections() {
        while !(endings.isEmpty && unflushed.isEmpty) {
            let calls = endings
            endings = []
            for call in calls { call() }
            let connections = unflushed
            unflushed = []
            for connection in connections { connection.flush() }
        }
    }

    /// Runs `call` once at the end of this turn, before connections are written to. What that brings about is handled
    /// in this turn too, so a call must not ask for another one for ever. On the loop.
    package func atEndOfTurn(_ call: @escaping () -> Void) {
        assertInLoop()
        endings.append(call)
    }

    func flushAtEndOfTurn(_ connection: TCPConnection) {
        unflushed.append(connection)
    }

    private func updateWallClock() {
        var wall = timespec()
        let before = Int64(Self.nanoseconds)
        unsafe clock_gettime(CLOCK_REALTIME, &wall)
        if wall.tv_sec != answerSecond { updateAnswerFields(second: wall.tv_sec) }
        // A thread that was suspended between the two readings measures nothing.
        guard wallOffset == 0 || Int64(Self.nanoseconds) - before < Self.wallStep / 2 else { return }
        let offset = Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec) - before
        if abs(offset - wallOffset) > Self.wallStep { wallOffset = offset }
    }
}

extension EventLoop {
    /// An output buffer for a while. On the loop.
    package func takeOutput() -> OutputBuffer { outputPool.take() }

    package func giveBack(_ output: OutputBuffer) { outputPool.giveBack(output) }

    /// `Date`, and the name of the field for the request's id.
    func appendAnswerFields(to output: OutputBuffer) {
        output.append(answerFields)
    }

    private func updateAnswerFields(second: Int) {
        let date = Timestamp(milliseconds: Int64(second) * 1_000).httpDate.text
        answerFields = Array("Date: \(date)\r\nX-Request-Id: ".utf8)
        answerSecond = second
    }
}

// MARK: - Time, calls and statistics

extension EventLoop {
    /// Milliseconds since 1970 at the start of this turn.
    package var now: UInt64 { UInt64((Int64(unsafe uv_now(uv)) * 1_000_000 + wallOffset) / 1_000_000) }

    /// Milliseconds on a clock that never steps, at the start of this turn.
    package var monotonicNow: UInt64 { unsafe uv_now(uv) }

    /// Nanoseconds on a clock that never steps, now.
    package static var nanoseconds: UInt64 { uv_hrtime() }

    /// Runs `call` on the loop, soon and in the order of the calls of one thread. From any thread.
    package func execute(_ call: @escaping @Sendable () -> Void) {
        submit(.call(call))
    }

    /// Runs `call` at once if this is the loop, else soon on it.
    package func executeHereOrThere(_ call: @escaping @Sendable () -> Void) {
        if isInLoop { call() } else { execute(call) }
    }

    /// Runs `body` on the loop and waits for what it returns. From a thread that is no loop's: a loop that waited for
    /// another could wait for ever.
    package func wait<Value: Sendable, Failure: Error>(
        for body: @escaping @Sendable () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        precondition(!isInLoop, "a loop cannot wait for itself")
        let box = WaitBox<Value, Failure>()
        execute {
            do throws(Failure) {
                box.result = .success(try body())
            } catch {
                box.result = .failure(error)
            }
            box.done.signal()
        }
        box.done.wait()
        return try box.result!.get()
    }

    func submit(_ item: LoopInbox.Item) {
        if inbox.append(item) { UV.must(unsafe uv_async_send(wake), "uv_async_send") }
    }

    package var isInLoop: Bool { pthread_equal(pthread_self(), thread) != 0 }

    package var statistics: LoopStatistics { counts }

    /// The number of the present turn: another one each time after the sockets had theirs.
    var turn: UInt64 { counts.turns }

    /// Nanoseconds on the clock of `nanoseconds` when the kernel handed over what this turn handles: measured once a
    /// turn.
    var arrivalNanoseconds: UInt64 {
        if arrival == 0 { arrival = Self.nanoseconds }
        return arrival
    }

    func makeRequestID(given: Span<UInt8>?) -> RequestID {
        RequestID(given: given, high: random.next(), low: random.next())
    }

    package var connectionCount: Int { connections.count }

    package func assertInLoop() {
        precondition(isInLoop, "called off loop \(index)")
    }

    /// Starts measuring how late the loop's timers are. On the loop.
    package func watchLag() {
        lag = LoopLag(loop: self) { [unowned self] lateness in
            counts.record(lateness: lateness)
            lagWatcher?(lateness)
        }
    }

    /// Starts looking at the connections' deadlines, or changes them. On the loop.
    package func watchDeadlines(_ limits: OutputLimits) {
        connections.watch(loop: self, limits: limits)
    }

    func countSlowReader() { counts.slowReaders &+= 1 }

    func countHandshake(_ outcome: TLSHandshakes.Outcome) { counts.handshakes.count(outcome) }
}

// MARK: - Executor

extension EventLoop {
    package func enqueue(_ job: consuming ExecutorJob) {
        submit(.job(UnownedJob(job)))
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        unsafe UnownedSerialExecutor(ordinary: self)
    }

    package func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        unsafe UnownedTaskExecutor(ordinary: self)
    }

    /// What lets `assumeIsolated` succeed inside a libuv callback, where no Swift task runs.
    package func isIsolatingCurrentContext() -> Bool? { isInLoop }

    package func checkIsolated() { assertInLoop() }
}
