/// One thing that goes wrong, as a value: a schedule is a list of them, which can be printed, shortened and run again.
///
/// Machines are numbered from 0. A fault holds all that was drawn for it, so that it is the same in a shorter list.
package struct Fault: Hashable, Sendable {
    /// Milliseconds since the simulation began, and until it ends; 0: it is over at once.
    package let start: UInt64
    package let duration: UInt64
    package let kind: Kind

    package init(start: UInt64, duration: UInt64, kind: Kind) {
        self.start = start
        self.duration = duration
        self.kind = kind
    }

    package enum Kind: Hashable, Sendable {
        /// Segments of both ways between two machines, or between all if nil.
        case loss(Pair?, permille: UInt64)
        case delay(Pair?, milliseconds: UInt64)
        /// All connections between two machines.
        case reset(Pair)
        case cutOneWay(from: Int, to: Int)
        case cutLink(Pair)
        /// Between these machines and all others.
        case split([Int])
        /// kill -9, and a start at the end.
        case crash(Int)
        /// No reset, no refusal: silence. What the disk has not got is lost.
        case powerCut(Int)
        /// A crash, and an empty data directory at the start.
        case wipe(Int)
        /// SIGTERM, and a start at the end.
        case stop(Int)
        /// SIGSTOP and SIGCONT.
        case pause(Int)
        /// The whole machine stands, its monotonic clock too.
        case suspend(Int)
        /// Each turn of the process takes up to so long.
        case starve(Int, milliseconds: UInt64)
        case clockJump(Int, milliseconds: Int64)
        case drift(Int, partsInAMillion: Int64)
        case slowDisk(Int, milliseconds: UInt64)
        case roster(RosterEdit)
    }

    package struct Pair: Hashable, Sendable {
        package let first: Int
        package let second: Int

        package init(_ first: Int, _ second: Int) {
            self.first = first
            self.second = second
        }
    }

    /// What kinds are called, on the command line too.
    package enum Family: String, CaseIterable, Sendable {
        case loss, delay, reset
        case oneWay = "one-way"
        case link, split, crash, power, wipe, stop, pause, suspend, starve, clock
        case drift, disk, roster
    }

    package var family: Family {
        switch kind {
        case .loss: .loss
        case .delay: .delay
        case .reset: .reset
        case .cutOneWay: .oneWay
        case .cutLink: .link
        case .split: .split
        case .crash: .crash
        case .powerCut: .power
        case .wipe: .wipe
        case .stop: .stop
        case .pause: .pause
        case .suspend: .suspend
        case .starve: .starve
        case .clockJump: .clock
        case .drift: .drift
        case .slowDisk: .disk
        case .roster: .roster
        }
    }
}

/// What operators do to cluster.json.
package enum RosterEdit: Hashable, Sendable {
    /// On `editor`'s file: the next machine that is not in it, with the next generation.
    case add(editor: Int)
    /// The last machine that was added.
    case remove(editor: Int)
    /// Two operators write the same generation on two machines, with different contents.
    case conflict(first: Int, second: Int)
    /// Other contents under the generation that is in force: to be refused.
    case forgetGeneration(editor: Int)
}

extension Fault: CustomStringConvertible {
    package var description: String {
        let seconds = "\(start / 1_000).\(String(1_000 + start % 1_000).dropFirst()) s"
        return duration == 0 ? "\(seconds): \(kind)" : "\(seconds): \(kind) for \(duration) ms"
    }
}

extension Fault.Kind: CustomStringConvertible {
    package var description: String {
        switch self {
        case .loss(let pair, let permille): "loss of \(permille) ‰ \(Self.place(pair))"
        case .delay(let pair, let milliseconds): "delay of \(milliseconds) ms \(Self.place(pair))"
        case .reset(let pair): "reset \(Self.place(pair))"
        case .cutOneWay(let from, let to): "one-way cut from \(Self.name(from)) to \(Self.name(to))"
        case .cutLink(let pair): "link cut \(Self.place(pair))"
        case .split(let group): "split of \(group.map(Self.name).joined(separator: ", ")) from the others"
        case .crash(let machine): "crash of \(Self.name(machine))"
        case .powerCut(let machine): "power cut of \(Self.name(machine))"
        case .wipe(let machine): "wipe of \(Self.name(machine))"
        case .stop(let machine): "orderly stop of \(Self.name(machine))"
        case .pause(let machine): "pause of \(Self.name(machine))"
        case .suspend(let machine): "suspension of \(Self.name(machine))"
        case .starve(let machine, let milliseconds): "starvation of \(Self.name(machine)), \(milliseconds) ms a turn"
        case .clockJump(let machine, let milliseconds): "clock of \(Self.name(machine)) jumps by \(milliseconds) ms"
        case .drift(let machine, let parts): "clock of \(Self.name(machine)) drifts by \(parts) millionths"
        case .slowDisk(let machine, let milliseconds): "slow disk of \(Self.name(machine)), \(milliseconds) ms a write"
        case .roster(let edit): "roster: \(edit)"
        }
    }

    private static func name(_ machine: Int) -> String { "n\(machine + 1)" }

    private static func place(_ pair: Fault.Pair?) -> String {
        pair.map { "between \(name($0.first)) and \(name($0.second))" } ?? "everywhere"
    }
}
