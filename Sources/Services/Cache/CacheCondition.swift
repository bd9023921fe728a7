package import Cluster

/// What must hold of the present entry for a change to happen.
package enum CacheCondition: Sendable {
    case always
    case ifAbsent
    case ifPresent
    /// `If-Match`: present, with one of these versions.
    case ifVersion([Version])
    /// `If-None-Match`: absent, or with none of these versions.
    case ifNotVersion([Version])
    /// Absent, or older than the change: how copies apply what a primary stamped (Cache rule 13).
    case ifOlder(Version)

    /// `current`: of the fresh entry; `stored`: of that, or of the one kept past its `expiresAt`.
    func holds(for current: Version?, stored: Version?) -> Bool {
        switch self {
        case .always: true
        case .ifAbsent: current == nil
        case .ifPresent: current != nil
        case .ifVersion(let versions): current.map(versions.contains) ?? false
        case .ifNotVersion(let versions): current.map { !versions.contains($0) } ?? true
        case .ifOlder(let version): stored.map { $0 < version } ?? true
        }
    }
}

package enum ConditionOutcome: Equatable, Sendable {
    case holds
    /// For the entry with this version, or for its absence.
    case fails(current: Version?)
}

package enum PutOutcome: Equatable, Sendable {
    case created
    case replaced
    /// The condition did not hold for the entry with this version, or for its absence.
    case failed(current: Version?)
}

package enum RemoveOutcome: Equatable, Sendable {
    case removed
    case absent
    /// As for a put.
    case failed(current: Version?)
}

/// Why the table did not do what it was asked. Nothing is changed then.
package enum CacheFault: Error, Equatable, Sendable {
    /// The kernel gives no addresses for the arena, as `ulimit -v` or `vm.overcommit_memory` = 2 may have it.
    case noAddressSpace(bytes: Int)
    /// The entry alone is larger than the budget.
    case tooLarge
    /// There is no room, and the policy or the pace of eviction does not let us make any now.
    case full
    /// The value to be incremented is not the decimal text of a 64-bit integer.
    case notAnInteger
    case overflow
}
