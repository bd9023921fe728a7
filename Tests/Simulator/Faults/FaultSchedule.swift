import TestSupport

/// The faults of one run, drawn from its seed.
///
/// A run has three parts: it forms undisturbed, suffers, and heals. All faults end by `healing`; what they left behind
/// (wrong clocks, stopped processes) is put right then, and the rest of the run is for convergence and calm.
package struct FaultSchedule: Sendable {
    package var faults: [Fault]

    /// Milliseconds since the simulation began.
    package static let beginning: UInt64 = 15_000
    package static let healing: UInt64 = 250_000
    package static let end: UInt64 = 310_000

    package static let countRange = 10...20
    package static let familiesMin = 4

    package init(_ faults: [Fault]) {
        self.faults = faults
    }

    /// `machines`: how many are in service from the start; the roster edits may add the `spares`.
    package init(seed: UInt64, machines: Int, families: [Fault.Family] = Fault.Family.allCases) {
        var random = SeededRandom(seed: seed, for: .schedule)
        // Few kinds a run, so that they meet each other more than once; but at least four.
        let shuffled = families.shuffled(using: &random)
        let kinds = Int.random(in: min(Self.familiesMin, families.count)...min(9, families.count), using: &random)
        let chosen = Array(shuffled.prefix(kinds))
        let count = Int.random(in: Self.countRange, using: &random)
        faults = []
        for index in 0..<count {
            // Each of the chosen kinds comes once; the rest is chance.
            let family = index < chosen.count ? chosen[index] : chosen.randomElement(using: &random)!
            faults.append(Self.draw(family, machines: machines, using: &random))
        }
        if families.contains(.roster), families.contains(.disk), families.contains(.power) {
            faults += Self.haste(machines: machines, using: &random)
        }
        faults.sort { $0.start < $1.start }
    }

    /// Now and then what chance would hardly bring together: a roster arrives where the disk is slow, and the power
    /// fails before it is kept.
    private static func haste(machines: Int, using random: inout SeededRandom) -> [Fault] {
        guard random.happens(permille: 150) else { return [] }
        let order = Array(0..<machines).shuffled(using: &random)
        let start = UInt64.random(in: beginning...healing - 20_000, using: &random)
        return [
            Fault(start: start, duration: 15_000, kind: .slowDisk(order[1], milliseconds: 3_000)),
            Fault(start: start + 1_000, duration: 0, kind: .roster(.conflict(first: order[0], second: order[0]))),
            Fault(
                start: start + .random(in: 1_500...3_500, using: &random), duration: 500, kind: .powerCut(order[1])),
        ]
    }

    private static func draw(_ family: Fault.Family, machines: Int, using random: inout SeededRandom) -> Fault {
        let duration = duration(of: family, using: &random)
        // Some last until the healing, so that it has something to heal.
        let isLast = random.happens(permille: 150)
        let start = isLast ? healing - duration : .random(in: beginning...(healing - duration), using: &random)
        return Fault(
            start: start, duration: duration, kind: kind(of: family, machines: machines, using: &random))
    }

    /// Short ones are there to be survived without a word, long ones to be noticed.
    private static func duration(of family: Fault.Family, using random: inout SeededRandom) -> UInt64 {
        switch family {
        case .reset, .clock, .roster: return 0
        case .pause, .suspend:
            let ranges: [ClosedRange<UInt64>] = [50...900, 900...3_000, 3_000...20_000]
            return .random(in: ranges.randomElement(using: &random)!, using: &random)
        case .crash, .power, .wipe, .stop:
            let ranges: [ClosedRange<UInt64>] = [50...900, 900...5_000, 5_000...40_000]
            return .random(in: ranges.randomElement(using: &random)!, using: &random)
        case .loss, .delay, .oneWay, .link, .split, .starve, .drift, .disk:
            let ranges: [ClosedRange<UInt64>] = [300...3_000, 3_000...15_000, 15_000...60_000]
            return .random(in: ranges.randomElement(using: &random)!, using: &random)
        }
    }

    private static func kind(
        of family: Fault.Family, machines: Int, using random: inout SeededRandom
    ) -> Fault.Kind {
        let order = Array(0..<machines).shuffled(using: &random)
        let pair = Fault.Pair(order[0], order[1])
        switch family {
        case .loss:
            return .loss(Bool.random(using: &random) ? pair : nil, permille: .random(in: 10...400, using: &random))
        case .delay:
            return .delay(Bool.random(using: &random) ? pair : nil, milliseconds: .random(in: 5...400, using: &random))
        case .reset: return .reset(pair)
        case .oneWay: return .cutOneWay(from: order[0], to: order[1])
        case .link: return .cutLink(pair)
        case .split: return .split(order.prefix(.random(in: 1..<machines, using: &random)).sorted())
        case .crash: return .crash(order[0])
        case .power: return .powerCut(order[0])
        case .wipe: return .wipe(order[0])
        case .stop: return .stop(order[0])
        case .pause: return .pause(order[0])
        case .suspend: return .suspend(order[0])
        case .starve: return .starve(order[0], milliseconds: .random(in: 10...800, using: &random))
        case .clock:
            let size: Int64 = [300, 2_000, 60_000, 3_600_000].randomElement(using: &random)!
            return .clockJump(order[0], milliseconds: .random(in: -size...size, using: &random))
        case .drift: return .drift(order[0], partsInAMillion: .random(in: -20_000...20_000, using: &random))
        case .disk: return .slowDisk(order[0], milliseconds: .random(in: 20...2_000, using: &random))
        case .roster:
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1: return .roster(.add(editor: order[0]))
            case 2: return .roster(.remove(editor: order[0]))
            case 3: return .roster(.conflict(first: order[0], second: order[1]))
            default: return .roster(.forgetGeneration(editor: order[0]))
            }
        }
    }
}
