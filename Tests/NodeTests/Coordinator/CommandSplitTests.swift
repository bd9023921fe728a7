import Cluster
import Reactor
import TestSupport
import Testing

@testable import Node

struct CommandSplitTests {
    private static let table = CommandTable.shared

    private static func command(_ name: String) -> Command {
        table.commands[table.place(of: Array(name.utf8).span)!]
    }

    /// By the first byte of the key.
    private static func partition(_ key: Span<UInt8>) -> PartitionID { PartitionID(rawValue: UInt16(key[0] % 4)) }

    private static func split(_ words: [String]) throws(CommandError) -> CommandSplit? {
        let list = ArgumentList(words.map { Array($0.utf8) })
        return try CommandSplit(command(words[0]), list) { partition($0) }
    }

    private static func words(_ list: ArgumentList) -> [String] {
        let arguments = list.arguments
        return (0..<arguments.count).map { String(copying: arguments[$0]) }
    }

    @Test func partsKeepTheOrderOfTheirKeys() throws {
        let found = try Self.split(["MSET", "a1", "1", "b1", "2", "a2", "3", "e1", "4"])
        let split = try #require(found)
        #expect(
            split.shares.map { Self.words($0.words) } == [
                ["MSET", "a1", "1", "a2", "3", "e1", "4"], ["MSET", "b1", "2"],
            ])
        #expect(split.shares.map(\.keys) == [[0, 2, 3], [1]])
    }

    @Test func repliesAreJoined() throws {
        let found = try Self.split(["mget", "a", "b", "a", "c"])
        let split = try #require(found)
        let replies: [Reply] = [.array([.text("1"), .text("3")]), .array([.null]), .array([.text("4")])]
        guard case .array(let items) = split.join(replies) else { return #expect(Bool(false)) }
        #expect(items.map { if case .text(let text) = $0 { text } else { "" } } == ["1", "", "3", "4"])
        for name in ["del", "unlink", "exists", "touch"] {
            let split = try #require(try Self.split([name, "a", "b"]))
            guard case .integer(3) = split.join([.integer(Int64(1)), .integer(Int64(2))]) else {
                return #expect(Bool(false))
            }
            guard case .error(.noPrimary) = split.join([.integer(Int64(1)), .error(.noPrimary)]) else {
                return #expect(Bool(false))
            }
        }
    }

    @Test func nothingIsDoneOfWhatIsRefusedAsAWhole() throws {
        #expect(throws: CommandError.arity("mset")) { _ = try Self.split(["mset", "a", "1", "b"]) }
    }

    @Test func otherCommandsHaveTheirKeysInOnePartition() throws {
        for words in [["rename", "a", "b"], ["copy", "a", "b"], ["msetnx", "a", "1", "b", "2"], ["lcs", "a", "b"]] {
            let split = try Self.split(words)
            #expect(split == nil)
        }
    }
}
