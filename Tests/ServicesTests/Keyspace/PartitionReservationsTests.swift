import Cluster
import Services
import TestSupport
import Testing

@Suite struct PartitionReservationsTests {
    @Test func whoComesFirstHoldsAndTheOthersWaitInTurn() {
        var reservations = PartitionReservations()
        let granted = [ids(1, 2), ids(2, 3), ids(1), ids(4)].enumerated().map { index, partitions in
            reservations.request(partitions, UInt64(index))
        }
        #expect(granted == [true, false, false, true])
        let next = reservations.release(0)
        #expect(Set(next) == [1, 2])
    }

    @Test func whatNobodyHoldsIsFree() {
        var reservations = PartitionReservations()
        #expect(reservations.isEmpty)
        let isGranted = reservations.request(ids(7), 1)
        #expect(isGranted && !reservations.isFree(ids(7)[0]))
        let next = reservations.release(1)
        #expect(next == [])
        #expect(reservations.isEmpty && reservations.isFree(ids(7)[0]))
    }

    @Test func aRequestIsGrantedWhenTheLastOfItsPartitionsIsFree() {
        var reservations = PartitionReservations()
        let granted = [ids(1), ids(2), ids(1, 2)].enumerated().map { index, partitions in
            reservations.request(partitions, UInt64(index))
        }
        #expect(granted == [true, true, false])
        let released: [[PartitionReservations.Ticket]] = (0..<3).map { reservations.release($0) }
        #expect(released == [[], [2], []])
    }

    /// Transactions over four loops in ascending order, in a random interleaving: never two holders of a partition, and
    /// everybody gets through.
    @Test func nobodyWaitsForEver() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededRandom(seed: seed)
        for _ in 0..<200 { run(using: &generator, seed: seed) }
    }

    private func run(using generator: inout SeededRandom, seed: UInt64) {
        struct Walker {
            var needs: [[PartitionID]]
            var loop = 0
            var isWaiting = false
        }
        var loops = Array(repeating: PartitionReservations(), count: 4)
        var walkers = (0..<12).map { _ in
            Walker(
                needs: (0..<4).map { _ in
                    Array(
                        Set(
                            (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                                Int.random(in: 0..<4, using: &generator)
                            })
                    )
                    .map { PartitionID(rawValue: UInt16($0)) }
                })
        }
        var done = 0
        while done < walkers.count {
            let ready = walkers.indices.filter { !walkers[$0].isWaiting && walkers[$0].loop <= 4 }
            guard let index = ready.randomElement(using: &generator) else {
                Issue.record("seed \(seed): all wait")
                return
            }
            let loop = walkers[index].loop
            if loop == 4 {
                for held in 0..<4 where !walkers[index].needs[held].isEmpty {
                    for granted in loops[held].release(UInt64(index)) {
                        walkers[Int(granted)].isWaiting = false
                        walkers[Int(granted)].loop += 1
                    }
                }
                walkers[index].loop = 5
                done += 1
            } else if walkers[index].needs[loop].isEmpty
                || loops[loop].request(walkers[index].needs[loop], UInt64(index))
            {
                walkers[index].loop += 1
            } else {
                walkers[index].isWaiting = true
            }
        }
        let areEmpty = loops.allSatisfy { $0.isEmpty }
        #expect(areEmpty, "seed \(seed)")
    }

    private func ids(_ numbers: UInt16...) -> [PartitionID] { numbers.map { PartitionID(rawValue: $0) } }
}
