import CLibuv
import Glibc
import Synchronization

/// What the operating system says of this process and its machine.
package enum HostProcess {
    /// Writing to a socket that the peer has closed is an error to handle, not a signal to die of.
    package static func ignoreBrokenPipes() {
        _ = signal(SIGPIPE, SIG_IGN)
    }

    /// A terminal that closes, or a signal that asks for a reload before one is possible, ends nothing.
    package static func ignoreHangups() {
        _ = signal(SIGHUP, SIG_IGN)
    }

    /// Lets the allocator give blocks from 128 KiB on back to the system when they are freed. Left to itself it raises
    /// that size with each block that is freed, up to 32 MiB, and keeps freed values as room for others.
    package static func returnLargeBlocks() {
        tribe_return_blocks_from(128 << 10)
    }

    /// Raises the soft limit of open files to the hard one, and returns what is in force.
    package static func raiseDescriptorLimit() -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1_024 }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
    }

    /// Bytes of memory that are in RAM.
    package static var residentBytes: Int {
        var bytes = 0
        return unsafe uv_resident_set_memory(&bytes) == 0 ? bytes : 0
    }

    /// Bytes that this process may use: the machine's, or the control group's if that is less.
    package static var memoryLimit: Int {
        let machine = Int(clamping: uv_get_total_memory())
        let group = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
            .compactMap { contents(ofFile: $0) }
            .compactMap { text in Int(text.prefix { $0.isNumber }) }
            .first
        return min(machine, group ?? machine)
    }

    /// Cores that this process may run on.
    package static var coreCount: Int { Int(uv_available_parallelism()) }

    /// Seconds of processor time, in user mode and in the kernel.
    package static var processorSeconds: (user: Double, system: Double) {
        var usage = uv_rusage_t()
        guard unsafe uv_getrusage(&usage) == 0 else { return (0, 0) }
        func seconds(_ time: uv_timeval_t) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return (seconds(usage.ru_utime), seconds(usage.ru_stime))
    }

    /// Milliseconds since 1970.
    package static var wallMilliseconds: Int64 {
        var wall = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &wall)
        return Int64(wall.tv_sec) * 1_000 + Int64(wall.tv_nsec) / 1_000_000
    }

    /// Milliseconds of a clock that is never set.
    package static var monotonicMilliseconds: Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
    }

    package static func isTerminal(descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Writes all of `text` to standard error, in one call unless the kernel takes it in pieces.
    package static func writeToStandardError(_ text: String) {
        write(Array(text.utf8), to: STDERR_FILENO)
    }

    package static func writeToStandardOutput(_ text: String) {
        writeToStandardOutput(Array(text.utf8))
    }

    package static func writeToStandardOutput(_ bytes: [UInt8]) {
        if !write(bytes, to: STDOUT_FILENO) { outputError.store(errno, ordering: .relaxed) }
    }

    /// Why some of the standard output is lost, as a full disk has it; nil: all of it was written.
    package static var outputFault: String? {
        let error = outputError.load(ordering: .relaxed)
        return error == 0 ? nil : unsafe String(cString: strerror(error))
    }

    private static let outputError = Atomic<Int32>(0)

    /// False: not all of it, for the reason in `errno`.
    @discardableResult
    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    package static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// Names and values of all environment variables whose names begin with `prefix`, sorted.
    package static func environment(prefix: String) -> [(name: String, value: String)] {
        var found: [(name: String, value: String)] = []
        var entry = unsafe environ
        while let text = unsafe entry.pointee {
            unsafe entry += 1
            let pair = unsafe String(cString: text).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, pair[0].hasPrefix(prefix) else { continue }
            found.append((String(pair[0]), String(pair[1])))
        }
        return found.sorted { $0.name < $1.name }
    }

    /// The first bytes of a small file, such as those of the kernel.
    private static func contents(ofFile path: String) -> String? {
        guard let file = unsafe fopen(path, "r") else { return nil }
        defer { unsafe fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

extension HostProcess {
    /// The number of this process.
    package static var identifier: Int32 { getpid() }

    /// The path of the program that this process runs; nil: the system does not say.
    package static var programPath: String? {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        var length = path.count
        guard unsafe uv_exepath(&path, &length) == 0 else { return nil }
        return String(decoding: path.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// From now on this process is sent SIGTERM when its parent, `identifier`, ends for whatever reason. False: that
    /// has ended already, and nobody will tell.
    package static func endWithParent(_ identifier: Int32) -> Bool {
        tribe_end_with_parent() == 0 && getppid() == identifier
    }

    /// System, version and machine: `Linux 6.1.0 x86_64`.
    package static var systemName: String {
        var name = uv_utsname_t()
        guard unsafe uv_os_uname(&name) == 0 else { return "unknown" }
        func text<Field>(_ field: Field) -> String {
            unsafe withUnsafeBytes(of: field) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
        }
        return "\(text(name.sysname)) \(text(name.release)) \(text(name.machine))"
    }

    /// Descriptors that this process may open if it asks for all of them.
    package static var descriptorMax: Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1_024 }
        return Int(clamping: limit.rlim_max)
    }

    /// Whether the kernel counts reserved addresses as memory (`vm.overcommit_memory` = 2).
    package static var refusesOvercommit: Bool {
        contents(ofFile: "/proc/sys/vm/overcommit_memory")?.first == "2"
    }

    /// Whether something keeps the clock right, as the kernel knows it. Nil: it does not say.
    package static var isClockSynchronised: Bool? {
        switch tribe_clock_state() {
        case 0: false
        case 1: true
        default: nil
        }
    }
}
