import TestSupport
import Testing

@testable import Reactor

@Suite struct ChildProcessTests {
    private struct Seen {
        var lines: [String] = []
        var end: ChildProcess.End?
    }

    /// Runs a script of the shell, and `with` the process, until it has ended.
    private func run(
        _ script: String, _ with: @escaping @Sendable (ChildProcess) -> Void = { _ in }
    ) throws -> Seen {
        let loop = try EventLoop(index: 0)
        defer { loop.stopAndJoin() }
        let seen = Monitor(Seen())
        try loop.wait {
            let child = try ChildProcess(loop: loop, program: "/bin/sh", arguments: ["-c", script]) { source, line in
                seen.withLock { $0.lines.append("\(source): \(line)") }
            } onEnd: { end in
                seen.withLock { $0.end = end }
            }
            with(child)
        }
        #expect(seen.wait { $0.end != nil })
        return seen.now
    }

    @Test func linesOfBothStreamsComeBeforeTheEnd() throws {
        let seen = try run("echo a; echo b >&2; printf c; exit 7")
        #expect(seen.lines.filter { $0.hasPrefix("output") } == ["output: a", "output: c"])
        #expect(seen.lines.contains("errors: b"))
        #expect(seen.end == .exited(code: 7))
    }

    @Test func aSignalEndsIt() throws {
        let seen = try run("exec sleep 60") { $0.send(.terminate) }
        #expect(seen.end == .killed(signal: 15))
    }

    @Test func itHasASessionOfItsOwn() throws {
        let seen = try run("ps -o sid= -p $$ | tr -d ' '; echo $$")
        let numbers = seen.lines.map { $0.replacing("output: ", with: "") }
        #expect(numbers.count == 2 && numbers[0] == numbers[1])
    }

    @Test func aProgramThatIsNotThereCannotBeStarted() throws {
        let loop = try EventLoop(index: 0)
        defer { loop.stopAndJoin() }
        #expect(throws: UVError.self) {
            try loop.wait {
                _ = try ChildProcess(
                    loop: loop, program: "/no/such", arguments: [], onLine: { _, _ in }, onEnd: { _ in })
            }
        }
    }
}

@Suite struct LineSplitterTests {
    @Test(arguments: 1...8) func linesAreTheSameWhateverPiecesTheyComeIn(size: Int) {
        let text = Array("one\ntwo\n\nfour".utf8)
        var splitter = LineSplitter()
        var lines: [String] = []
        for start in stride(from: 0, to: text.count, by: size) {
            let piece = Array(text[start..<min(start + size, text.count)])
            lines += splitter.take(piece.span)
        }
        #expect(lines == ["one", "two", ""])
        #expect(splitter.end() == "four")
        #expect(splitter.end() == nil)
    }

    @Test func aLineWithoutAnEndIsCut() {
        var splitter = LineSplitter()
        let bytes = [UInt8](repeating: 0x61, count: LineSplitter.lineMax + 1)
        #expect(splitter.take(bytes.span).map(\.utf8.count) == [LineSplitter.lineMax])
        #expect(splitter.end() == "a")
    }
}
