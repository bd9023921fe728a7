import Cluster
import Simulator
import TestSupport

/// Sends a numbered byte to every other machine each 100 ms, keeps the highest number it sent, dials again when a
/// connection ends. What the world does to it can be read from what it has seen.
struct ToyProcess: SimulatedProcess {
    struct Configuration: Sendable {
        var machines: Int
        /// 0: it writes nothing.
        var bytesPerBeat = 1
    }

    let machine: Int
    var configuration: Configuration
    var random: SeededRandom
    var nextSocket: UInt64 = 1
    var dialled: [SocketID: Int] = [:]
    var isConnected: Set<Int> = []
    var beats: UInt8 = 0
    /// What came, by the socket it came through, in order.
    var received: [SocketID: [UInt8]] = [:]
    var events: [String] = []
    var moments: [Moment] = []
    let foundFiles: [String: [UInt8]]

    init(_ start: ProcessStart<Configuration>) {
        machine = start.machine
        configuration = start.configuration
        random = start.random
        foundFiles = start.files
    }

    mutating func handle(_ event: ProcessEvent<Configuration>, at moment: Moment, calls: inout [SystemCall]) {
        moments.append(moment)
        events.append(name(of: event))
        switch event {
        case .started:
            for other in 0..<configuration.machines where other != machine { dial(other, calls: &calls) }
            calls.append(.wake(at: moment.monotonic + 100))
        case .timer:
            beat(calls: &calls)
            calls.append(.wake(at: moment.monotonic + 100))
        case .connected(let socket): isConnected.insert(dialled[socket]!)
        case .dialFailed(let socket, _), .closed(let socket, _):
            if let other = dialled.removeValue(forKey: socket) {
                isConnected.remove(other)
                dial(other, calls: &calls)
            }
        case .received(let socket, let bytes): received[socket, default: []] += bytes
        case .reload(let configuration): self.configuration = configuration
        case .terminate: calls.append(.exit)
        case .accepted, .congested, .drained, .persisted: break
        }
    }

    private mutating func dial(_ other: Int, calls: inout [SystemCall]) {
        let socket = SocketID(rawValue: nextSocket)
        nextSocket += 2
        dialled[socket] = other
        calls.append(.dial(socket, machine: other))
    }

    private mutating func beat(calls: inout [SystemCall]) {
        beats &+= 1
        calls.append(.persist(UInt64(beats), name: "beats", [beats]))
        guard configuration.bytesPerBeat > 0 else { return }
        let bytes = Array(repeating: beats, count: configuration.bytesPerBeat)
        for socket in dialled.keys.sorted(by: { $0.rawValue < $1.rawValue })
        where isConnected.contains(dialled[socket]!) {
            calls.append(.write(socket, bytes))
        }
    }

    private func name(of event: ProcessEvent<Configuration>) -> String {
        switch event {
        case .started: "started"
        case .timer: "timer"
        case .accepted: "accepted"
        case .connected: "connected"
        case .dialFailed(_, let outcome): "dial \(outcome)"
        case .received: "received"
        case .congested: "congested"
        case .drained: "drained"
        case .closed(_, let reason): "closed \(reason)"
        case .persisted: "persisted"
        case .reload: "reload"
        case .terminate: "terminate"
        }
    }
}

/// A world of toys, all in service.
func toyWorld(
    seed: UInt64 = 1, machines: Int = 3, faults: [Fault] = [], shape: NetworkShape = .quick, bytesPerBeat: Int = 1
) -> World<ToyProcess> {
    let configuration = ToyProcess.Configuration(machines: machines, bytesPerBeat: bytesPerBeat)
    let world = World<ToyProcess>(
        seed: seed, shape: shape, configurations: Array(repeating: configuration, count: machines))
    world.schedule(FaultSchedule(faults))
    for machine in 0..<machines { world.putIntoService(machine) }
    return world
}
