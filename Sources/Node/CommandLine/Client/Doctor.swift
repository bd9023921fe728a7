import Cluster
import Reactor

/// What the machine offers, as `tribe doctor` found it.
struct HostFacts {
    /// Descriptors that a process may open at most.
    var descriptorMax: Int
    /// Bytes of memory that the process may use.
    var memoryLimit: Int
    var cores: Int
    /// `vm.overcommit_memory` is 2: addresses count as memory.
    var refusesOvercommit: Bool
    /// Milliseconds since 1970.
    var wallMilliseconds: Int64
    /// Nil: the kernel does not say.
    var isClockSynchronised: Bool?
    /// By address: why it cannot be listened on.
    var portFaults: [(address: String, reason: String)]
    var libraries: [(name: String, version: String)]
    /// Why the peers' secret cannot be read; nil: it can, or there is none.
    var secretFault: String?
}

extension NodeSettings {
    /// Where the node listens: HTTP, the Redis protocol, and the other nodes if there are any.
    var listeningAddresses: [String] {
        [http, resp] + [ownNode?.peerAddress].compactMap(\.self)
    }
}

/// What would keep a node with these settings from running well on this machine, and what to do about each.
struct Doctor: Equatable {
    enum Severity: String {
        case ok, warning, fault
    }

    struct Finding: Equatable {
        let severity: Severity
        let subject: String
        let detail: String
        /// Empty: nothing is to be done.
        var fix = ""
    }

    private(set) var findings: [Finding] = []

    /// No fault; warnings may be.
    var isWell: Bool { findings.allSatisfy { $0.severity != .fault } }

    /// Descriptors for listeners, loops, files and links, beside the clients'.
    private static let descriptorsOwn = 200
    /// The cache's part of the memory beyond which connections and the rest have too little: four fifths.
    private static let memoryShareMax = 80
    /// 2024: no clock that was ever set is before it.
    private static let wallMin: Int64 = 1_704_067_200_000
    private static let versionsMin = [
        "libuv": [1, 44], "http_parser": [2, 9], "xxHash": [0, 8], "libcurl": [7, 85], "OpenSSL": [3, 0],
    ]

    init(_ settings: NodeSettings, on host: HostFacts) {
        findings = [
            Self.descriptors(settings, host), Self.memory(settings, host), Self.overcommit(host),
            Self.loops(settings, host), Self.clock(host),
        ]
        findings += Self.ports(settings, host)
        if !settings.roster.isEmpty { findings.append(Self.secret(settings, host)) }
        findings += host.libraries.map(Self.library)
    }

    private static func descriptors(_ settings: NodeSettings, _ host: HostFacts) -> Finding {
        // Of each protocol so many.
        let needed = 2 * settings.limits.connections + descriptorsOwn
        let detail = "\(host.descriptorMax) may be open, \(needed) are needed for limits.connections"
        guard host.descriptorMax < needed else { return Finding(severity: .ok, subject: "open files", detail: detail) }
        let severity = host.descriptorMax < needed / 2 ? Severity.fault : .warning
        return Finding(
            severity: severity, subject: "open files", detail: detail,
            fix: "raise it (`ulimit -Hn \(needed)`, LimitNOFILE=\(needed) in the unit), or lower limits.connections")
    }

    private static func memory(_ settings: NodeSettings, _ host: HostFacts) -> Finding {
        let detail = "\(ByteText.rounded(settings.memory)) for the cache of \(ByteText.rounded(host.memoryLimit))"
        guard settings.memory > host.memoryLimit / 100 * memoryShareMax else {
            return Finding(severity: .ok, subject: "memory", detail: detail)
        }
        return Finding(
            severity: settings.memory > host.memoryLimit ? .fault : .warning, subject: "memory", detail: detail,
            fix: "set cache.memory to at most \(memoryShareMax)%, or give the machine or its control group more")
    }

    private static func overcommit(_ host: HostFacts) -> Finding {
        guard host.refusesOvercommit else {
            return Finding(severity: .ok, subject: "addresses", detail: "reserved ones are no memory")
        }
        return Finding(
            severity: .warning, subject: "addresses",
            detail: "vm.overcommit_memory is 2: reserved ones count as memory",
            fix: "set vm.overcommit_memory to 0 or 1, or vm.overcommit_ratio so that the node's reservation fits")
    }

    private static func loops(_ settings: NodeSettings, _ host: HostFacts) -> Finding {
        let detail = "\(settings.loops) loops on \(host.cores) cores"
        guard settings.loops > host.cores else { return Finding(severity: .ok, subject: "loops", detail: detail) }
        return Finding(
            severity: .warning, subject: "loops", detail: detail,
            fix: "set loops to \(host.cores): more than there are cores take turns, and wait for each other")
    }

    private static func clock(_ host: HostFacts) -> Finding {
        guard host.wallMilliseconds >= wallMin else {
            return Finding(
                severity: .fault, subject: "clock",
                detail: "it shows \(Timestamp(milliseconds: host.wallMilliseconds))",
                fix: "set it: times to live and versions of entries depend on it")
        }
        guard host.isClockSynchronised == false else {
            return Finding(severity: .ok, subject: "clock", detail: "it is set")
        }
        return Finding(
            severity: .warning, subject: "clock", detail: "the kernel says that nothing synchronises it",
            fix: "run chrony or systemd-timesyncd: a node that is 500 ms ahead of the others is not listened to")
    }

    private static func ports(_ settings: NodeSettings, _ host: HostFacts) -> [Finding] {
        settings.listeningAddresses.map { address in
            guard let fault = host.portFaults.first(where: { $0.address == address }) else {
                return Finding(severity: .ok, subject: "port", detail: "\(address) is free")
            }
            return Finding(
                severity: .fault, subject: "port", detail: "\(address): \(fault.reason)",
                fix: "stop what listens there (`ss -ltnp`), or choose another port")
        }
    }

    private static func secret(_ settings: NodeSettings, _ host: HostFacts) -> Finding {
        guard let path = settings.secretFile else {
            let isLocal = settings.roster.allSatisfy(\.isLoopback)
            return Finding(
                severity: isLocal ? .ok : .warning, subject: "secret",
                detail: "peers know each other by none" + (isLocal ? "; all are on this machine" : ""),
                fix: isLocal ? "" : "name a file with a secret in secretFile: without it whoever connects is a peer")
        }
        guard let fault = host.secretFault else {
            return Finding(severity: .ok, subject: "secret", detail: "\(path) is its owner's alone")
        }
        return Finding(severity: .fault, subject: "secret", detail: fault, fix: "chmod 600 \(path), one secret a line")
    }

    private static func library(_ library: (name: String, version: String)) -> Finding {
        let subject = library.name
        let numbers = library.version.split { !$0.isNumber }.compactMap { Int($0) }
        guard let least = versionsMin[library.name], numbers.lexicographicallyPrecedes(least) else {
            return Finding(severity: .ok, subject: subject, detail: library.version)
        }
        let wanted = least.map(String.init).joined(separator: ".")
        return Finding(
            severity: .fault, subject: subject, detail: "\(library.version) is too old",
            fix: "install \(wanted) or newer (scripts/install does)")
    }
}
