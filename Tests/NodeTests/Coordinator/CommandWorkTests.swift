import Cluster
import Reactor
import TestSupport
import Testing

@testable import Node

struct CommandWorkTests {
    private func work(_ words: [String]) -> CommandWork {
        let table = CommandTable.shared
        let list = ArgumentList(words.map { Array($0.utf8) })
        return CommandWork(table.commands[table.place(of: Array(words[0].utf8).span)!], list)
    }

    private func read(_ bytes: [UInt8]) throws -> CommandWork {
        var reader = WireReader(bytes.span)
        let work = try CommandWork(&reader)
        try reader.finish()
        return work
    }

    @Test func commandsAreReadAsTheyWereWritten() throws {
        for words in [["GET", "k"], ["set", "k", "", "EX", "10"], ["mset", "a", "1", "b", "2"]] {
            let work = work(words)
            let bytes = work.forwarded.bytes
            let read = try read(bytes)
            #expect(read.forwarded.bytes == bytes)
            #expect(read.isChange == work.isChange && work.isChange == (words[0] != "GET"))
            for length in bytes.indices {
                #expect(throws: WireFault.self) { try self.read(Array(bytes.prefix(length))) }
            }
        }
    }

    @Test func transactionsAreReadWithTheKeysThatTheyWatch() throws {
        let table = CommandTable.shared
        let command = table.commands[table.place(of: Array("incr".utf8).span)!]
        let queued = QueuedCommand(command: command, list: ArgumentList([Array("INCR".utf8), Array("k".utf8)]))
        let watched = [
            WatchedKey(key: [1], version: nil), WatchedKey(key: [], version: Version(time: 1 << 20, node: 3)),
        ]
        let work = CommandWork(transaction: [queued, queued], watched: watched)
        let bytes = work.forwarded.bytes
        #expect(try read(bytes).forwarded.bytes == bytes)
        #expect(try read(CommandWork(transaction: [], watched: watched).forwarded.bytes).isChange == false)
    }

    @Test func whatIsNotAboutKeysIsRefused() {
        for words in [["ping"], ["flushall"], ["client", "list"], ["nosuch", "k"], ["get"], ["get", "a", "b"]] {
            var writer = WireWriter()
            writer.append(false)
            writer.append(UInt32(0))
            writer.append(UInt32(1))
            writer.append(UInt32(words.count))
            for word in words {
                writer.append(UInt32(word.utf8.count))
                writer.append(raw: Array(word.utf8))
            }
            #expect(throws: WireFault.invalid) { try self.read(writer.bytes) }
        }
    }

    @Test func versionsAreReadAsTheyWereWritten() throws {
        let work = WatchWork([[1, 2], []])
        var reader = WireReader(work.forwarded.bytes.span)
        let read = try WatchWork(&reader)
        #expect(read.forwarded.bytes == work.forwarded.bytes)
        var writer = WireWriter()
        writer.append(Version?.none)
        writer.append(Version(time: 7, node: 1))
        #expect(try WatchWork.versions(writer.bytes, count: 2) == [nil, Version(time: 7, node: 1)])
        #expect(throws: WireFault.trailing) { try WatchWork.versions(writer.bytes, count: 1) }
    }
}
