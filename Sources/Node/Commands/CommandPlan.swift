/// What dispatch needs of a command, without references: it is looked at for every command that arrives.
struct CommandPlan: BitwiseCopyable {
    enum Kind: UInt8 {
        case get, set, keyed, local, node, control, container
    }

    let arity: Int16
    let kind: Kind
    let keyFirst: Int8
    let keyLast: Int8
    let keyStep: Int8
    let isMeasured: Bool
    let roles: Roles
    let flags: CommandFlags.RawValue

    init(_ command: Command) {
        arity = Int16(command.arity)
        keyFirst = Int8(command.keys.first)
        keyLast = Int8(command.keys.last)
        keyStep = Int8(command.keys.step)
        isMeasured = command.isMeasured
        roles = command.roles
        flags = command.flags.rawValue
        kind =
            switch command.handler {
            case .get: .get
            case .set: .set
            case .keyed: .keyed
            case .local: .local
            case .node: .node
            case .control: .control
            case .container: .container
            }
    }

    @inline(__always)
    func takes(_ count: Int) -> Bool { arity >= 0 ? count == Int(arity) : count >= -Int(arity) }

    /// Exactly one word is a key, the first behind the name.
    @inline(__always)
    var hasOneKey: Bool { keyFirst == 1 && keyLast == 1 }

    @inline(__always)
    func has(_ flag: CommandFlags) -> Bool { flags & flag.rawValue != 0 }
}
