import Cluster
import Reactor

/// What clients are told of the cluster, as JSON.
struct ClusterDocument {
    private let view: ClusterView
    private var snapshot: ClusterSnapshot { view.snapshot }

    init(_ view: ClusterView) {
        self.view = view
    }

    /// `{"members":[…],"generation":1,"epoch":1,…}`
    func writeMembers(to json: inout JSONWriter) {
        json.object { json in
            json.array("members") { json in
                for member in snapshot.members { write(member, to: &json) }
            }
            json.member("generation", snapshot.roster.generation)
            json.member("rosterHash", snapshot.roster.hashText)
            json.key("epoch")
            json.integer(snapshot.placement.epoch)
            json.object("conditions") { json in
                for (condition, text) in snapshot.conditions { json.member(condition.rawValue, text) }
            }
        }
    }

    var membersText: String {
        var json = JSONWriter()
        writeMembers(to: &json)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    private func write(_ member: Member, to json: inout JSONWriter) {
        let addresses = view.addresses(of: member.id)
        json.object { json in
            json.member("id", member.id.text)
            json.member("state", member.state.word)
            json.member("uid", orNull: member.identity?.uid.text)
            json.member("version", orNull: member.id == snapshot.own.id ? TribeVersion.text : view.versions[member.id])
            json.member("http", addresses.http)
            json.member("resp", addresses.resp)
            json.member("zone", orNull: snapshot.roster[member.id]?.zone)
            // A number that JSON's readers may round.
            json.member("incarnation", String(member.incarnation.rawValue, radix: 16))
        }
    }

    /// `{"partitions":[{"id":0,"primary":"n1","copies":["n1","n2"],…}]}`, all of them.
    func writePartitions(to json: inout JSONWriter) {
        json.object { json in
            json.array("partitions") { json in
                for number in 0..<PartitionID.count {
                    let partition = PartitionID(rawValue: UInt16(number))
                    let owners = snapshot.placement.owners(of: partition)
                    json.object { json in
                        json.member("id", number)
                        json.member("primary", orNull: owners.first?.text)
                        json.array("copies") { json in for owner in owners { json.string(owner.text) } }
                    }
                }
            }
            json.key("epoch")
            json.integer(snapshot.placement.epoch)
        }
    }
}

extension ClusterEventLog.Entry {
    /// A member that changed. `time`: milliseconds since 1970.
    init(number: UInt64, _ event: MemberEvent, time: UInt64) {
        self.init(number: number, name: "member") { json in
            json.member("id", event.id.text)
            json.member("state", event.state.word)
            json.member("previous", event.previous.word)
            json.member("cause", event.cause.rawValue)
            json.member("uid", orNull: event.identity?.uid.text)
            json.member("incarnation", String(event.incarnation.rawValue, radix: 16))
            json.member("time", Timestamp(milliseconds: Int64(time)).rfc3339.text)
        }
    }

    /// A roster that is in force.
    init(number: UInt64, _ roster: Roster, time: UInt64) {
        self.init(number: number, name: "roster") { json in
            json.member("generation", roster.generation)
            json.member("rosterHash", roster.hashText)
            json.array("nodes") { json in for node in roster.nodes { json.string(node.id.text) } }
            json.member("time", Timestamp(milliseconds: Int64(time)).rfc3339.text)
        }
    }

    /// A condition that holds, or with another text; `text` nil: it has ended.
    init(number: UInt64, _ condition: ClusterCondition, text: String?, time: UInt64) {
        self.init(number: number, name: "condition") { json in
            json.member("name", condition.rawValue)
            json.member("detail", orNull: text)
            json.member("time", Timestamp(milliseconds: Int64(time)).rfc3339.text)
        }
    }

    private init(number: UInt64, name: String, _ members: (inout JSONWriter) -> Void) {
        var json = JSONWriter()
        json.object(members)
        self.init(number: number, name: name, data: String(decoding: json.bytes, as: UTF8.self))
    }
}

extension Roster {
    /// 16 hexadecimal digits.
    var hashText: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

extension JSONWriter {
    mutating func member(_ name: String, orNull text: String?) {
        key(name)
        if let text { string(text) } else { null() }
    }
}
