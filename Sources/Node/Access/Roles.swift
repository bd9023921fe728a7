/// What somebody may do, or what is demanded of him: a route or command names roles, and whoever has one of them may.
///
/// Roles do not imply one another. Two are given by themselves: `open` to everybody, and `authenticated` to every
/// token.
struct Roles: OptionSet, Hashable, Sendable, BitwiseCopyable {
    let rawValue: UInt8

    static let open = Roles(rawValue: 1 << 0)
    static let authenticated = Roles(rawValue: 1 << 1)
    static let read = Roles(rawValue: 1 << 2)
    static let write = Roles(rawValue: 1 << 3)
    static let jobs = Roles(rawValue: 1 << 4)
    static let admin = Roles(rawValue: 1 << 5)

    /// Of those without a tokens file, when everybody may do everything.
    static let everything: Roles = [.open, .authenticated, .read, .write, .jobs, .admin]

    /// Whether somebody with these roles may do what demands one of `demanded`.
    @inline(__always)
    func satisfy(_ demanded: Roles) -> Bool { rawValue & demanded.rawValue != 0 }
}

/// A role that a token may have by its entry in the tokens file.
enum RoleName: String, CaseIterable, Sendable {
    case read, write, jobs, admin

    var role: Roles {
        switch self {
        case .read: .read
        case .write: .write
        case .jobs: .jobs
        case .admin: .admin
        }
    }
}

extension Roles {
    /// The names of those that a tokens file can give.
    var names: [String] { RoleName.allCases.filter { contains($0.role) }.map(\.rawValue) }
}
