import Reactor
import Services
import Testing

@testable import Node

@Suite struct StringExpiryTests {
    /// Runs `commands` on the entries of one loop, in one turn, and says when `key` expires then, in milliseconds from
    /// now; nil: it is absent. What never expires is 0.
    private func expiry(of key: String, after commands: [String]) -> Int64? {
        let loop = TestNode.forTranscripts.context.group.loops[0]
        return loop.wait {
            let executor = LoopParts.of(loop).executor
            let keys = executor.keyspace
            _ = keys.remove(key.utf8.span)
            for command in commands {
                let list = ArgumentList(TranscriptWords.split(command, now: keys.now))
                _ = CommandExecutor.reply { () throws(CommandError) in
                    try executor.table.resolve(list.arguments).keyedHandler(keys, list.arguments)
                }
            }
            guard let facts = keys.facts(of: key.utf8.span) else { return nil }
            return facts.deadlines.expiresAt == 0 ? 0 : Int64(facts.deadlines.expiresAt) - Int64(keys.now)
        }
    }

    @Test(
        arguments: [
            (["SET a 1 EX 10"], 10_000), (["SET a 1 PX 1500"], 1_500), (["SET a 1 PXAT {ms+700}"], 700),
            (["SETEX a 3 v"], 3_000), (["PSETEX a 3 v"], 3),
            (["SET a 1 EX 5 EX 7"], 7_000), (["SET a 1 EX 5", "SET a 2"], 0),
            (["SET a 1 EX 5", "SET a 2 KEEPTTL"], 5_000),
            (["SET a 1 KEEPTTL"], 0), (["SET a 1 EX 5", "SET a 2 NX EX 9"], 5_000),
            (["SET a 1 EX 5", "SET a 2 XX EX 9"], 9_000), (["SET a 1 EX 5", "GETSET a 2"], 0),
            (["SET a 1 EX 5", "APPEND a 2"], 5_000), (["SET a 1 EX 5", "SETRANGE a 3 x"], 5_000),
            (["SET a 1 EX 5", "INCR a"], 5_000), (["SET a 1 EX 5", "INCRBYFLOAT a 0.5"], 5_000),
            (["SET a 1 EX 5", "SETBIT a 900 1"], 5_000), (["SET a 1 EX 5", "BITFIELD a SET u8 0 1"], 5_000),
            (["SET a 1 EX 5", "BITOP NOT a a"], 0), (["SET a 1 EX 5", "MSET a 2"], 0),
            (["SET a 1", "GETEX a EX 4"], 4_000), (["SET a 1", "GETEX a PX 4"], 4),
            (["SET a 1 EX 5", "GETEX a"], 5_000),
            (["SET a 1 EX 5", "GETEX a PERSIST"], 0), (["SET a 1 EX 5", "GETEX a PXAT {ms+9}"], 9),
            (["SET a 1", "GETEX a PXAT {ms+0}"], nil), (["SET a 1", "SET a 2 PXAT {ms+0}"], nil),
            (["SET a 1", "GETDEL a"], nil),
        ] as [([String], Int64?)])
    func aKeyExpiresWhenItIsTold(commands: [String], time: Int64?) {
        #expect(expiry(of: "a", after: commands) == time)
    }

    /// A record has 48 bits for the time.
    @Test func laterThanARecordCanSayIsTheLatestThatItCan() {
        let time = expiry(of: "a", after: ["SET a 1 PXAT 9223372036854775807"])
        let latest = Int64(Deadlines.latest)
        #expect(time.map { $0 > latest / 2 } == true)
    }
}
