import Cluster
import Reactor
import Services
import Testing

@testable import Node

@Suite struct ScanRequestTests {
    @Test(arguments: 1...5)
    func aCursorLeadsBackToItsPosition(loops: Int) {
        for partition in [0, 1, 2, 500, PartitionID.count - 1] {
            for hash: UInt32 in [0, 1, .max] where partition > 0 || hash > 0 {
                let position = KeyspacePosition(
                    loop: partition % loops, cursor: ScanCursor(partition: partition, hash: hash))
                #expect(KeyspacePosition(scanCursor: position.scanCursor, loops: loops) == position)
                #expect(position.scanCursor != 0 && position.scanCursor < 1 << 42)
            }
        }
    }

    @Test(arguments: 1...5)
    func theStartOfALoopIsACursorToo(loops: Int) {
        #expect(KeyspacePosition.start.scanCursor == 0)
        for loop in 1..<max(loops, 2) where loop < loops {
            let position = KeyspacePosition(loop: loop, cursor: .start)
            let found = KeyspacePosition(scanCursor: position.scanCursor, loops: loops)
            #expect(found == KeyspacePosition(loop: loop, cursor: ScanCursor(partition: loop, hash: 0)))
        }
    }

    @Test func aStarAloneIsNoPattern() throws {
        let list = ArgumentList(
            ["SCAN", "0", "MATCH", "a*", "match", "*", "COUNT", "7", "count", "9"].map { Array($0.utf8) })
        let request = try ScanRequest(list.arguments, loops: 4)
        #expect(request.filter.pattern == nil && request.filter.kinds == nil && request.count == 9)
    }

    @Test(arguments: [("string", [ValueKind.bytes]), ("STRING", [.bytes]), ("hash", []), ("", [])])
    func aTypeThatThereIsNotMatchesNothing(name: String, kinds: [ValueKind]) throws {
        let list = ArgumentList(["SCAN", "0", "TYPE", name].map { Array($0.utf8) })
        let request = try ScanRequest(list.arguments, loops: 1)
        #expect(request.filter.kinds == kinds)
    }
}
