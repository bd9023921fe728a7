/// What two nodes tell each other about one partition, in frames of the type `replication`.
///
/// The primary speaks in the name of its reign; whoever holds another record answers with that.
package struct ReplicationMessage: Hashable, Sendable {
    package let partition: PartitionID
    /// Of the primary that sends it or that it is sent to.
    package let reign: Reign
    package let body: Body

    package init(partition: PartitionID, reign: Reign, body: Body) {
        self.partition = partition
        self.reign = reign
        self.body = body
    }

    package enum Body: Hashable, Sendable {
        /// A record of the partition: to followers before what depends on it, and to whoever holds a lesser one.
        case record(PartitionRecord)
        case replicate(Batch)
        /// Everything up to `sequence` is held. `pressure`: how full the node's memory is, percent.
        case acknowledge(sequence: UInt64, pressure: UInt8)
        /// Something of the stream is missing: the sender counts as incomplete from now on.
        case gap
        case compare(Comparison)
        /// The copy holds exactly what the primary held when it asked.
        case equal(session: UInt64)
        case differs(session: UInt64)
        case versions(Versions)
        case exchange(Exchange)
        case exchanged(session: UInt64, [ReplicaEntry])
        /// What was executed of late, to be known before the receiver may be asked again (Cache rule 16).
        case marks([WriteMark])
        /// The sender holds entries of a partition that is not its own (Cache rule 18).
        case holding
        /// They are held by enough others; the holder may drop them if its digest is still this one.
        case dismiss(root: UInt64)
        /// "I stamp no more; are you ready to, with this digest?" (Cache rule 6).
        case offer(Offer)
        case ready(session: UInt64)
        /// The sender can't go on holding this partition (Cache rule 22).
        case surrender
    }

    /// Records in the order in which they were executed.
    package struct Batch: Hashable, Sendable {
        /// Number of the first record in the reign.
        package var first: UInt64
        /// Nothing came before it on this link: the receiver takes any number.
        package var isStart: Bool
        package var records: [ReplicaRecord]
        /// Marks up to this time are forgotten after the records; 0: none.
        package var forgetThrough: UInt64

        package init(first: UInt64, isStart: Bool, records: [ReplicaRecord], forgetThrough: UInt64 = 0) {
            self.first = first
            self.isStart = isStart
            self.records = records
            self.forgetThrough = forgetThrough
        }

        package var last: UInt64 { first + UInt64(records.count) - 1 }

        package static let recordsMax = 1 << 10
    }

    /// A step of a session in which the primary compares what it holds with what the receiver holds.
    package struct Comparison: Hashable, Sendable {
        package var session: UInt64
        package var mode: SessionMode
        /// The primary's hybrid clock, and the time to which both expire first.
        package var time: UInt64
        /// Marks up to here are forgotten: a copy that was not confirmed since must not bring back what they ended.
        package var floor: UInt64
        package var root: UInt64
        /// Empty in the first step, which compares roots alone. 256, or none.
        package var buckets: [UInt64]
        /// Where a `pull` goes on, by key hash.
        package var cursor: UInt64
        /// What the receiver has of late seen executed is to come before its answer.
        package var wantsMarks: Bool

        package init(
            session: UInt64, mode: SessionMode, time: UInt64, floor: UInt64, root: UInt64, buckets: [UInt64] = [],
            cursor: UInt64 = 0, wantsMarks: Bool = false
        ) {
            self.session = session
            self.mode = mode
            self.time = time
            self.floor = floor
            self.root = root
            self.buckets = buckets
            self.cursor = cursor
            self.wantsMarks = wantsMarks
        }
    }

    /// What the receiver of a comparison holds in parts of the space of key hashes, all of it in each part.
    package struct Versions: Hashable, Sendable {
        package var session: UInt64
        package var parts: [Part]
        /// Of all that it holds.
        package var root: UInt64
        package var isVacant: Bool

        package struct Part: Hashable, Sendable {
            package var from: UInt64
            package var through: UInt64
            package var held: [HeldVersion]

            package init(from: UInt64, through: UInt64, held: [HeldVersion]) {
                self.from = from
                self.through = through
                self.held = held
            }
        }

        package init(session: UInt64, parts: [Part], root: UInt64, isVacant: Bool) {
            self.session = session
            self.parts = parts
            self.root = root
            self.isVacant = isVacant
        }

        package static let partsMax = 16
        package static let heldMax = 1 << 14
    }

    package struct Offer: Hashable, Sendable {
        package var session: UInt64
        package var root: UInt64
        /// To which both expire first.
        package var time: UInt64

        package init(session: UInt64, root: UInt64, time: UInt64) {
            self.session = session
            self.root = root
            self.time = time
        }
    }

    /// Newer entries for the receiver, and the key hashes of those that it is asked for.
    package struct Exchange: Hashable, Sendable {
        package var session: UInt64
        package var entries: [ReplicaEntry]
        package var wanted: [UInt64]

        package init(session: UInt64, entries: [ReplicaEntry], wanted: [UInt64]) {
            self.session = session
            self.entries = entries
            self.wanted = wanted
        }

        package static let wantedMax = Versions.heldMax
    }
}

package enum SessionMode: UInt8, CaseIterable, Sendable {
    /// Until both hold the same.
    case equalise = 0
    /// Until the primary holds all that the other does.
    case pull = 1
}
