import CLibuv
import Glibc

/// A program that this process runs: what it prints comes line by line, and its end is told. Used on its loop.
///
/// It has a session of its own, so the signals of a terminal (Ctrl-C) reach this process alone, which decides what its
/// children are told. That they end with it is up to them: `HostProcess.endWithParent`.
@safe
package final class ChildProcess {
    package enum Source: Sendable {
        case output, errors
    }

    /// How it ended.
    package enum End: Sendable, Equatable, CustomStringConvertible {
        case exited(code: Int)
        case killed(signal: Int)

        package var description: String {
            switch self {
            case .exited(let code): "exited with \(code)"
            case .killed(let signal): "was ended by signal \(signal)"
            }
        }
    }

    private let loop: EventLoop
    private let handle: UnsafeMutablePointer<uv_process_t>
    private var pipes: [ChildPipe] = []
    private let onEnd: (End) -> Void
    private var end: End?
    /// The process and each pipe that has not ended.
    private var openParts = 3

    /// Starts `program`. `onLine` gets each line that it prints, `onEnd` is called once, behind the last line. Throws
    /// why it could not be started.
    package init(
        loop: EventLoop, program: String, arguments: [String], onLine: @escaping (Source, String) -> Void,
        onEnd: @escaping (End) -> Void
    ) throws(UVError) {
        loop.assertInLoop()
        self.loop = loop
        self.onEnd = onEnd
        unsafe handle = .allocate(capacity: 1)
        pipes = [Source.output, .errors].map { source in
            ChildPipe(loop: loop) { line in onLine(source, line) }
        }
        let status = spawn(program, [program] + arguments)
        // A failed spawn needs a close all the same: the handle was initialised.
        unsafe handle.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        if status < 0 { closeHandle() }
        for pipe in pipes { pipe.start(isOpen: status == 0) { [self] in partEnded() } }
        try UV.check(status, "cannot start \(program)")
    }

    package var identifier: Int32 { end == nil ? unsafe uv_process_get_pid(handle) : 0 }

    /// Asks it to end, or ends it.
    package func send(_ signal: Signal) {
        guard end == nil else { return }
        // It may have ended a moment ago.
        unsafe uv_process_kill(handle, signal.number)
    }

    package enum Signal: Sendable {
        case terminate, kill

        fileprivate var number: Int32 {
            switch self {
            case .terminate: SIGTERM
            case .kill: SIGKILL
            }
        }
    }
}

extension ChildProcess {
    private func spawn(_ program: String, _ words: [String]) -> Int32 {
        var options = unsafe uv_process_options_t()
        unsafe options.flags = UV_PROCESS_DETACHED.rawValue
        unsafe options.exit_cb = { handle, code, signal in
            let child = unsafe Unmanaged<ChildProcess>.fromOpaque(handle!.pointee.data).takeUnretainedValue()
            child.ended(signal == 0 ? .exited(code: Int(code)) : .killed(signal: Int(signal)))
        }
        var streams = unsafe [uv_stdio_container_t](repeating: uv_stdio_container_t(), count: 3)
        unsafe streams[0].flags = UV_IGNORE
        for (index, pipe) in pipes.enumerated() {
            unsafe streams[index + 1].flags = uv_stdio_flags(UV_CREATE_PIPE.rawValue | UV_WRITABLE_PIPE.rawValue)
            unsafe streams[index + 1].data.stream = unsafe pipe.stream
        }
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
        return unsafe streams.withUnsafeMutableBufferPointer { streams in
            unsafe arguments.withUnsafeMutableBufferPointer { arguments in
                unsafe program.withCString { program in
                    unsafe options.file = program
                    unsafe options.args = arguments.baseAddress
                    unsafe options.stdio = streams.baseAddress
                    unsafe options.stdio_count = 3
                    return unsafe uv_spawn(loop.uv, handle, &options)
                }
            }
        }
    }

    private func ended(_ end: End) {
        self.end = end
        closeHandle()
        partEnded()
    }

    private func partEnded() {
        openParts -= 1
        if openParts == 0, let end { onEnd(end) }
    }

    private func closeHandle() {
        unsafe uv_close(tribe_handle_of_process(handle)) { handle in
            let process = unsafe UnsafeMutableRawPointer(handle!).assumingMemoryBound(to: uv_process_t.self)
            unsafe Unmanaged<ChildProcess>.fromOpaque(process.pointee.data).release()
            unsafe process.deallocate()
        }
    }
}

/// What a child prints, on one of its two streams.
@safe
private final class ChildPipe {
    private let loop: EventLoop
    private let handle: UnsafeMutablePointer<uv_pipe_t>
    private var lines = LineSplitter()
    private let onLine: (String) -> Void
    private var onEnd: () -> Void = {}

    init(loop: EventLoop, onLine: @escaping (String) -> Void) {
        self.loop = loop
        self.onLine = onLine
        unsafe handle = .allocate(capacity: 1)
        UV.must(unsafe uv_pipe_init(loop.uv, handle, 0), "uv_pipe_init")
        unsafe handle.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
    }

    var stream: UnsafeMutablePointer<uv_stream_t> { unsafe tribe_stream_of_pipe(handle) }

    /// Reads until the child has closed its end. `isOpen`: it was started at all.
    func start(isOpen: Bool, onEnd: @escaping () -> Void) {
        self.onEnd = onEnd
        guard isOpen else { return close() }
        let status = unsafe uv_read_start(
            stream,
            { handle, _, buffer in
                let loop = unsafe EventLoop.of(handle!.pointee.loop)
                unsafe buffer!.pointee.base = loop.readBuffer.baseAddress
                unsafe buffer!.pointee.len = EventLoop.readBufferSize
            },
            { stream, count, buffer in
                let pipe = unsafe Unmanaged<ChildPipe>.fromOpaque(stream!.pointee.data).takeUnretainedValue()
                pipe.didRead(count)
            })
        UV.must(status, "uv_read_start")
    }

    private func didRead(_ count: Int) {
        guard count >= 0 else {
            if let line = lines.end() { onLine(line) }
            onEnd()
            return close()
        }
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(loop.readBuffer)[..<count])
        let copy = unsafe [UInt8](bytes)
        for line in lines.take(copy.span) { onLine(line) }
    }

    private func close() {
        onEnd = {}
        unsafe uv_close(tribe_handle_of_pipe(handle)) { handle in
            let pipe = unsafe UnsafeMutableRawPointer(handle!).assumingMemoryBound(to: uv_pipe_t.self)
            unsafe Unmanaged<ChildPipe>.fromOpaque(pipe.pointee.data).release()
            unsafe pipe.deallocate()
        }
    }
}
